-- Customers of a shard that have rows with a version in one of some ranges, and little less than the newest of its term:
-- replaced rows included.
SELECT DISTINCT project, customer
FROM (
    SELECT project, customer, version, max(version) OVER (PARTITION BY bitShiftRight(version, 40)) AS newest
    FROM (
        SELECT project, customer, version FROM journeys
        UNION ALL SELECT project, customer, version FROM conversions
        UNION ALL SELECT project, customer, version FROM funnel_entries
    )
    WHERE customer % {partitions:UInt32} = {partition:UInt32} AND arrayExists(
        (low, high) -> version >= low AND version < high, {lows:Array(UInt64)}, {highs:Array(UInt64)}
    )
)
WHERE version + {behind:UInt64} >= newest
