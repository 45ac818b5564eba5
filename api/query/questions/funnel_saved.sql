-- The entries into a saved funnel that count, of those that begin in [from, to): of each customer the furthest, of equals
-- the earliest. It is the one before which none in the range comes as far, and after which none comes further, so no
-- customer's entries need to be brought together. A time of 0: that step is not filled.
-- entries of the range whose rivals are not known: where there are any, the rest does not count and funnel_grouped does;
-- customers by step; medians from the first step and from the one filled before, ms; times of `convert` that both steps
-- have: their number, sum, least and greatest, p10 p25 p50 p75 p90 p95 p99, histogram
SELECT
    countIf(NOT is_known),
-- include funnel_times
FROM (
    SELECT
        standing != 3 AS is_known,
        step_times AS times,
        times[{convert_to:UInt8}] > 0 AND times[{convert_from:UInt8}] > 0 AS is_timed,
        times[{convert_to:UInt8}] - times[{convert_from:UInt8}] AS took
-- include funnel_kept
)
-- The optimizer would put more before WHERE than the sort columns, and that takes longer.
SETTINGS do_not_merge_across_partitions_select_final = 1, optimize_move_to_prewhere = 0
