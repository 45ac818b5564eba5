-- Identifiers that have rows with a version in one of some ranges, and little less than the newest of their project and
-- term (a project is in one shard): replaced rows included.
SELECT DISTINCT project, identifier
FROM (
    SELECT project, identifier, version, max(version) OVER (PARTITION BY project, bitShiftRight(version, 40)) AS newest
    FROM (
        SELECT project, identifier, version FROM identities
        UNION ALL SELECT project, identifier, version FROM identities_by_customer
        UNION ALL SELECT project, identifier, version FROM refusals
    )
    WHERE arrayExists(
        (low, high) -> version >= low AND version < high, {lows:Array(UInt64)}, {highs:Array(UInt64)}
    )
)
WHERE version + {behind:UInt64} >= newest
