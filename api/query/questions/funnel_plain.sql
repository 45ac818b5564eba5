-- A plain ordered funnel: of each customer the furthest of his entries that begin in [from, to), of equals the earliest,
-- as the core finds it (pipeline/domain/funnels.py). A step's time is that of the first event of that step after the
-- step before, so times can be handed back from the end:
--
--     events of a customer    A1   A2   B3   A4   C5   B6
--     chain_2: next C, at      5    5    5    5    5    -
--     chain_1: next B, then C  3,5  3,5  3,5  6,-  6,-  6,-
--
-- No event fills two steps, so the copies of an event change nothing.
-- customers by step; medians from the first step and from the one before, ms; times of `convert` that both steps have:
-- their number, sum, least and greatest, p10 p25 p50 p75 p90 p95 p99, histogram; customers by period << 6 | furthest step
SELECT
    sumForEach(arrayMap(at -> toUInt64(1), filled)),
    quantileExactForEach(0.5)(arrayMap(at -> at - filled[1], filled)),
    quantileExactForEach(0.5)(arrayDifference(filled)),
    countIf(is_timed),
    sumIf(took, is_timed),
    minIf(took, is_timed),
    maxIf(took, is_timed),
    quantilesExactIf(0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99)(took, is_timed),
    sumMapIf([roundDown(took, {edges:Array(Int64)})], [toUInt64(1)], is_timed),
    sumMap(in_periods, arrayMap(one -> toUInt64(1), in_periods))
FROM (
    SELECT
        arraySlice([
            times[best]
-- each up funnel_plain_filled
        ], 1, level) AS filled,
        level >= {convert_to:UInt8} AS is_timed,
        toInt64(filled[{convert_to:UInt8}]) - toInt64(filled[{convert_from:UInt8}]) AS took,
        arrayConcat(emptyArrayUInt64()
-- each field funnel_plain_in_periods
        ) AS in_periods
    FROM (
        SELECT
            *,
            -- level << 48 less the place, so that the greatest is the furthest, and of equals the earliest
            arrayMax(arrayMap(
                (at, step, further, place) -> if(
                    step = 0 AND at >= {from:UInt64} AND at < {to:UInt64}, bitShiftLeft(further + 1, 48) - place, 0),
                times, steps, level_1, arrayEnumerate(times))) AS furthest,
            bitShiftRight(furthest - 1, 48) + 1 AS level,
            bitShiftLeft(level, 48) - furthest AS best
-- each field funnel_plain_entered
        FROM (
            -- Each SELECT reads columns of the one inside it: aliases of one SELECT would be put in for one another,
            -- and the statement would grow with the square of the steps, and more.
            SELECT
                times,
                steps,
-- each up funnel_plain_at
                arrayMap(at -> toUInt64(0), times) AS level_<steps>
-- each down funnel_plain_level
            FROM (
                SELECT
                    times,
                    steps,
-- each up funnel_plain_rest
                    chain AS rest_0
                FROM (
                    SELECT
                        times,
                        steps,
                        arrayMap(at -> toUInt8(0), times) AS chain_<steps>,
-- each down funnel_plain_chain
                        chain_1 AS chain
                    FROM (
                        SELECT
                            arrayMap(moment -> bitShiftRight(moment, 5), moments) AS times,
                            arrayMap(moment -> toUInt8(bitAnd(moment, 31)), moments) AS steps
                        FROM (
-- include funnel_customers
                        )
                    )
                )
            )
        )
        WHERE furthest > 0
    )
)
SETTINGS do_not_merge_across_partitions_select_final = 1
