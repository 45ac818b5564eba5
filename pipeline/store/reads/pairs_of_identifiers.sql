-- All evidence that names some identifiers, in the direction in which it was asked.
SELECT
    project, identifier, other, device, toUnixTimestamp64Milli(evidence_at), evidence_sequence,
    evidence_message, evidence_rank, kind, source
FROM pairs FINAL
PREWHERE project = {project:String} AND identifier IN {identifiers:Array(UInt64)}
