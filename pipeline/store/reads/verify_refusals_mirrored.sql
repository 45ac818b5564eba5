-- Rows of refusals in the one direction, in the other, and how many are in one of them only.
SELECT
    countIf(copied), countIf(NOT copied),
    uniqExactIf(row, copied) + uniqExactIf(row, NOT copied) - 2 * (uniqExactIf(row, copied) + uniqExactIf(row, NOT copied) - uniqExact(row))
FROM
(
    SELECT
        identifier > other AS copied,
        cityHash64(least(identifier, other), greatest(identifier, other), device, evidence_at, evidence_sequence, evidence_message, evidence_rank, kind, source, reason, decision) AS row
    FROM refusals FINAL WHERE project = {project:String}
)
