-- Which nodes of the paths of sessions are told by name: of each level so many, most paths first, of equals by name.
-- level, name, the name's hash
SELECT counted.level, named.name, counted.node
FROM (
    SELECT first + toInt32(at) - 1 AS level, node, count() AS paths
    FROM (
        SELECT tupleElement(way, 1) AS first, tupleElement(way, 2) AS nodes
        FROM (
            SELECT arrayJoin(ways) AS way
            FROM (
-- include paths_of_sessions
            )
        )
    )
    ARRAY JOIN nodes AS node, arrayEnumerate(nodes) AS at
    GROUP BY level, node
) AS counted
INNER JOIN (
-- include paths_named
) AS named ON named.node = counted.node
ORDER BY counted.level, counted.paths DESC, named.name
LIMIT {fan_out:UInt32} BY counted.level
SETTINGS do_not_merge_across_partitions_select_final = 1
