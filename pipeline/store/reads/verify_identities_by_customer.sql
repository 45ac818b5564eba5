-- Rows of identities_by_customer, of identities, how many are in one of them only, and some of those. Where `rows` are named: of these alone.
SELECT countIf(in_copy), countIf(in_table), countIf(in_copy != in_table), groupArrayIf(1000)(row, in_copy != in_table)
FROM
(
    SELECT row, max(copied) AS in_copy, max(NOT copied) AS in_table
    FROM
    (
        SELECT true AS copied, cityHash64(project, identifier, customer) AS row
        FROM identities_by_customer FINAL WHERE project = {project:String}
        UNION ALL
        SELECT false AS copied, cityHash64(project, identifier, customer) AS row
        FROM identities FINAL WHERE project = {project:String}
    )
    WHERE empty({rows:Array(UInt64)}) OR has({rows:Array(UInt64)}, row)
    GROUP BY row
)
