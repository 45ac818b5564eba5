-- Every stored row of refusals in the scope, in one direction, to be held against the core.
SELECT
    project, identifier, other, device, toUnixTimestamp64Milli(evidence_at), evidence_sequence,
    evidence_message, evidence_rank, kind, source, reason, decision
FROM refusals FINAL
WHERE project = {project:String} AND identifier < other
    AND ({everything:Bool} OR identifier IN {identifiers:Array(UInt64)})
