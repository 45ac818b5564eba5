-- Journeys that start in [from, to) by their touchpoints: 1 to 9, and 10 for ten and more.
-- touchpoints, journeys, converted journeys, median ms from first to last touchpoint
SELECT
    least(touchpoints, 10) AS length,
    count(),
    countIf(is_converted),
    quantileExact(0.5)(dateDiff('millisecond', started_at, last_at))
-- include journeys_of_range
GROUP BY length
ORDER BY length
SETTINGS do_not_merge_across_partitions_select_final = 1
