-- Devices of a shard that have rows with a version in one of some ranges, and little less than the newest of its term:
-- replaced rows included.
SELECT DISTINCT project, device
FROM (
    SELECT project, device, version, max(version) OVER (PARTITION BY bitShiftRight(version, 40)) AS newest
    FROM (
        SELECT project, device, version FROM sessions
        UNION ALL SELECT project, device, version FROM touchpoints
        UNION ALL SELECT project, device, version FROM owners
        UNION ALL SELECT project, device, version FROM owners_by_owner
        UNION ALL SELECT project, device, version FROM pairs
        UNION ALL SELECT project, device, version FROM rejected
    )
    WHERE device % {partitions:UInt32} = {partition:UInt32} AND arrayExists(
        (low, high) -> version >= low AND version < high, {lows:Array(UInt64)}, {highs:Array(UInt64)}
    )
)
WHERE version + {behind:UInt64} >= newest
