-- Identifiers that have rows with a version in one of some ranges, replaced rows included.
SELECT DISTINCT project, identifier
FROM (
    SELECT project, identifier, version FROM identities
    UNION ALL SELECT project, identifier, version FROM identities_by_customer
    UNION ALL SELECT project, identifier, version FROM refusals
)
WHERE arrayExists(
    (low, high) -> version >= low AND version < high, {lows:Array(UInt64)}, {highs:Array(UInt64)}
)
