-- The most common sequences of channels of journeys that start in [from, to); where `fold`, of repeats that follow each
-- other only the first.
-- channels, journeys, converted journeys, value micros, median ms from first to last touchpoint, how many sequences
SELECT
    arrayMap(each -> toString(each), if({fold:UInt8}, arrayCompact(path), path)) AS way,
    count(),
    countIf(is_converted),
    sum(value_micros),
    quantileExact(0.5)(dateDiff('millisecond', started_at, last_at)),
    count() OVER ()
-- include journeys_of_range
GROUP BY way
ORDER BY count() DESC, way
LIMIT {rows:UInt32}
SETTINGS do_not_merge_across_partitions_select_final = 1
