-- How long journeys that start in [from, to) last, from their first touchpoint to their last.
-- journeys, ms by `shares` of 10, 25, 50, 75, 90, 95 and 99 %, mean, least and greatest ms
SELECT
    count(),
    quantilesExact(0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99)(dateDiff('millisecond', started_at, last_at)),
    avg(dateDiff('millisecond', started_at, last_at)),
    min(dateDiff('millisecond', started_at, last_at)),
    max(dateDiff('millisecond', started_at, last_at))
-- include journeys_of_range
SETTINGS do_not_merge_across_partitions_select_final = 1
