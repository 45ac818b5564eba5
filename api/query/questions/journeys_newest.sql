-- The journeys that moved last, of those that start in [from, to); where `converted`, of those that converted.
-- id, customer, started_at ms, last_at ms, touchpoints, sessions, conversions, is_converted, value micros, cost micros,
-- path, stage
SELECT
    id,
    customer,
    toUnixTimestamp64Milli(started_at),
    toUnixTimestamp64Milli(last_at),
    touchpoints,
    sessions,
    conversions,
    is_converted,
    value_micros,
    cost_micros,
    arrayMap(each -> toString(each), path),
    toString(stage)
-- include journeys_of_range
    AND (NOT {converted:UInt8} OR is_converted)
ORDER BY last_at DESC, customer, id
LIMIT {rows:UInt32}
SETTINGS do_not_merge_across_partitions_select_final = 1
