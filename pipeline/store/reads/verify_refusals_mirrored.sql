-- Rows of refusals in the one direction, in the other, how many are in one of them only, and some of those. Where `rows` are named: of these alone.
SELECT countIf(in_copy), countIf(in_table), countIf(in_copy != in_table), groupArrayIf(1000)(row, in_copy != in_table)
FROM
(
    SELECT row, max(copied) AS in_copy, max(NOT copied) AS in_table
    FROM
    (
        SELECT
            identifier > other AS copied,
            cityHash64(least(identifier, other), greatest(identifier, other), device, evidence_at, evidence_sequence, evidence_message, evidence_rank, kind, source, reason, decision) AS row
        FROM refusals FINAL WHERE project = {project:String}
    )
    WHERE empty({rows:Array(UInt64)}) OR has({rows:Array(UInt64)}, row)
    GROUP BY row
)
