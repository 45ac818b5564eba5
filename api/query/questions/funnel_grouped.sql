-- Of each customer the entry into a saved funnel that counts, of those that begin in [from, to): the furthest, of equals
-- the earliest, of those that begin in one millisecond the one that gets on sooner. A time of 0: that step is not filled.
-- customers by step; medians from the first step and from the one filled before, ms; times of `convert` that both steps
-- have: their number, sum, least and greatest, p10 p25 p50 p75 p90 p95 p99, histogram
SELECT
-- include funnel_times
FROM (
    SELECT
        toInt64(bitAnd(bitShiftRight(best, 175), toUInt256(17592186044415))) AS begins,
        arraySlice(arrayPushFront(
            arrayMap(
                place -> if(bitAnd(bitShiftRight(best, place), toUInt256(34359738367)) = 34359738367, 0,
                    begins + toInt64(bitAnd(bitShiftRight(best, place), toUInt256(34359738367)))),
                [140, 105, 70, 35, 0]),
            begins), 1, {steps:UInt8}) AS times,
        times[{convert_to:UInt8}] > 0 AND times[{convert_from:UInt8}] > 0 AS is_timed,
        times[{convert_to:UInt8}] - times[{convert_from:UInt8}] AS took
    FROM (
        SELECT
            -- One number of 256 bits, many times faster to compare than a tuple and to keep than an array: how many steps
            -- are not filled, when it begins, how long after that the steps 2 to 6 are filled, each in 35 bits (a window
            -- is at most 366 days; all bits: not filled).
            min(bitShiftLeft(toUInt256(64 - steps), 219)
                + bitShiftLeft(toUInt256(toUnixTimestamp64Milli(entered_at)), 175)
                + bitShiftLeft(toUInt256(if(step_times[2] = 0, 34359738367, step_times[2] - step_times[1])), 140)
                + bitShiftLeft(toUInt256(if(step_times[3] = 0, 34359738367, step_times[3] - step_times[1])), 105)
                + bitShiftLeft(toUInt256(if(step_times[4] = 0, 34359738367, step_times[4] - step_times[1])), 70)
                + bitShiftLeft(toUInt256(if(step_times[5] = 0, 34359738367, step_times[5] - step_times[1])), 35)
                + toUInt256(if(step_times[6] = 0, 34359738367, step_times[6] - step_times[1]))) AS best
-- include funnel_entries_of_range
        GROUP BY customer
    )
)
SETTINGS do_not_merge_across_partitions_select_final = 1
