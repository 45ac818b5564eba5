-- Rows of identities_by_customer, of identities, and how many are in one of them only.
SELECT
    countIf(copied), countIf(NOT copied),
    uniqExactIf(row, copied) + uniqExactIf(row, NOT copied) - 2 * (uniqExactIf(row, copied) + uniqExactIf(row, NOT copied) - uniqExact(row))
FROM
(
    SELECT true AS copied, cityHash64(project, identifier, customer) AS row
    FROM identities_by_customer FINAL WHERE project = {project:String}
    UNION ALL
    SELECT false AS copied, cityHash64(project, identifier, customer) AS row
    FROM identities FINAL WHERE project = {project:String}
)
