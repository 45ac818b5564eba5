-- Customers of a shard that have rows with a version in one of some ranges, replaced rows included.
SELECT DISTINCT project, customer
FROM (
    SELECT project, customer, version FROM journeys
    UNION ALL SELECT project, customer, version FROM conversions
    UNION ALL SELECT project, customer, version FROM funnel_entries
)
WHERE customer % {partitions:UInt32} = {partition:UInt32} AND arrayExists(
    (low, high) -> version >= low AND version < high, {lows:Array(UInt64)}, {highs:Array(UInt64)}
)
