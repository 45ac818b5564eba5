-- Paths of sessions, as pipeline/domain/paths.py has them, for questions whose nodes need no filter but one on the path
-- and whose folds are none or repeats. A node is its number among `keys`, 0 where it is not told by name (paths_nodes.sql).
-- the paths of a session, each the level of its first node and its nodes; how many sessions have these very ones
SELECT
    arrayMap(way -> (
        tupleElement(way, 1),
        arrayMap(
            (node, at) -> transform(
                bitXor(node, toUInt64(tupleElement(way, 1) + toInt32(at) + 15) * 11400714819323198485),
                {keys:Array(UInt64)}, {numbers:Array(UInt16)}, toUInt16(0)),
            tupleElement(way, 2),
            arrayEnumerate(tupleElement(way, 2)))
    ), ways) AS told,
    count()
FROM (
-- include paths_of_sessions
)
GROUP BY told
SETTINGS do_not_merge_across_partitions_select_final = 1
