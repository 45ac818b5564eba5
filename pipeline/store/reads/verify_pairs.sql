-- Every stored row of pairs in the scope, in one direction, to be held against the core.
SELECT
    project, identifier, other, device, toUnixTimestamp64Milli(evidence_at), evidence_sequence,
    evidence_message, evidence_rank, kind, source
FROM pairs FINAL
WHERE project = {project:String} AND identifier < other
    AND ({everything:Bool} OR device IN {devices:Array(UInt64)})
