-- Journeys that start in [from, to) by the time from their first touchpoint to their last: bins that begin at `edges`.
-- bin's beginning ms, journeys, converted journeys
SELECT
    {edges:Array(Int64)}[arrayCount(edge -> edge <= dateDiff('millisecond', started_at, last_at), {edges:Array(Int64)})] AS bin,
    count(),
    countIf(is_converted)
-- include journeys_of_range
GROUP BY bin
ORDER BY bin
SETTINGS do_not_merge_across_partitions_select_final = 1
