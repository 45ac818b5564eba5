-- Rows of owners_by_owner, of owners, and how many are in one of them only.
SELECT
    countIf(copied), countIf(NOT copied),
    uniqExactIf(row, copied) + uniqExactIf(row, NOT copied) - 2 * (uniqExactIf(row, copied) + uniqExactIf(row, NOT copied) - uniqExact(row))
FROM
(
    SELECT true AS copied, cityHash64(project, device, owned_from, owned_until, owner, known_from) AS row
    FROM owners_by_owner FINAL WHERE project = {project:String}
    UNION ALL
    SELECT false AS copied, cityHash64(project, device, owned_from, owned_until, owner, known_from) AS row
    FROM owners FINAL WHERE project = {project:String}
)
