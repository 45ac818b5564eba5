-- Journeys that start in [from, to), by state and stage.
-- state (converted, open, ended), stage, journeys, touchpoints, sessions, conversions, value micros, cost micros
SELECT
    multiIf(is_converted, 'converted', toUnixTimestamp64Milli(last_at) + {silence:Int64} >= {now:Int64}, 'open', 'ended') AS state,
    toString(stage),
    count(),
    sum(touchpoints),
    sum(sessions),
    sum(conversions),
    sum(value_micros),
    sum(cost_micros)
-- include journeys_of_range
GROUP BY state, stage
ORDER BY count() DESC, state, stage
SETTINGS do_not_merge_across_partitions_select_final = 1
