-- The evidence that some devices gave, in one direction. `identifiers` are those that the devices name.
SELECT
    project, identifier, other, device, toUnixTimestamp64Milli(evidence_at), evidence_sequence,
    evidence_message, evidence_rank, kind, source
FROM pairs FINAL
PREWHERE project = {project:String} AND identifier IN {identifiers:Array(UInt64)} AND device IN {devices:Array(UInt64)} AND identifier < other
