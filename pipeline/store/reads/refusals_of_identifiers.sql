-- Refused pairs that name some identifiers, in the direction in which it was asked.
SELECT
    project, identifier, other, device, toUnixTimestamp64Milli(evidence_at), evidence_sequence,
    evidence_message, evidence_rank, kind, source, reason, decision
FROM refusals FINAL
PREWHERE project = {project:String} AND identifier IN {identifiers:Array(UInt64)}
