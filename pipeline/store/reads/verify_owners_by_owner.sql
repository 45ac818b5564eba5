-- Rows of owners_by_owner, of owners, how many are in one of them only, and some of those. Where `rows` are named: of these alone.
SELECT countIf(in_copy), countIf(in_table), countIf(in_copy != in_table), groupArrayIf(1000)(row, in_copy != in_table)
FROM
(
    SELECT row, max(copied) AS in_copy, max(NOT copied) AS in_table
    FROM
    (
        SELECT true AS copied, cityHash64(project, device, owned_from, owned_until, owner, known_from) AS row
        FROM owners_by_owner FINAL WHERE project = {project:String}
        UNION ALL
        SELECT false AS copied, cityHash64(project, device, owned_from, owned_until, owner, known_from) AS row
        FROM owners FINAL WHERE project = {project:String}
    )
    WHERE empty({rows:Array(UInt64)}) OR has({rows:Array(UInt64)}, row)
    GROUP BY row
)
