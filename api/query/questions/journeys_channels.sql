-- Journeys that start in [from, to) by the channel of their first touchpoint, and by that of their last.
-- place (first, last), channel, journeys, converted journeys, value micros, median ms from first to last touchpoint
SELECT
    place.1,
    place.2,
    count(),
    countIf(is_converted),
    sum(value_micros),
    quantileExact(0.5)(dateDiff('millisecond', started_at, last_at))
FROM (
    SELECT
        is_converted, value_micros, started_at, last_at,
        arrayJoin([('first', toString(first_channel)), ('last', toString(last_channel))]) AS place
-- include journeys_of_range
)
GROUP BY place
ORDER BY place.1, count() DESC, place.2
SETTINGS do_not_merge_across_partitions_select_final = 1
