-- Every journey that starts in [from, to).
-- customer, started_at ms, last_at ms, touchpoints, is_converted, path, stage
SELECT
    customer,
    toUnixTimestamp64Milli(started_at),
    toUnixTimestamp64Milli(last_at),
    touchpoints,
    is_converted,
    arrayMap(each -> toString(each), path),
    toString(stage)
-- include journeys_of_range
ORDER BY customer, started_at, id
SETTINGS do_not_merge_across_partitions_select_final = 1
