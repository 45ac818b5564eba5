-- PostHog's funnel (posthog/hogql_queries/insights/funnels/funnel_udf.py): a person's events as an array in time. What
-- its own program makes of the arrays (aggregate_funnel, outside ClickHouse) and the look-up of merged persons are left
-- out, so this is less than what PostHog does.
SELECT count(), sum(length(events_array))
FROM (
    SELECT
        arraySort(t -> t.1, groupArray(tuple(
            toFloat64(timestamp),
            uuid,
            [''],
            arrayFilter(x -> x != 0, [
                multiply(1, step_0), multiply(2, step_1), multiply(3, step_2), multiply(4, step_3), multiply(5, step_4)
            ])))) AS events_array,
        aggregation_target
    FROM (
        SELECT
            timestamp,
            person_id AS aggregation_target,
            uuid,
            if(event = {names:Array(String)}[1], 1, 0) AS step_0,
            if(event = {names:Array(String)}[2], 1, 0) AS step_1,
            if(event = {names:Array(String)}[3], 1, 0) AS step_2,
            if(event = {names:Array(String)}[4], 1, 0) AS step_3,
            if(event = {names:Array(String)}[5], 1, 0) AS step_4
        FROM posthog_events
        WHERE team_id = 1
            AND toDate(timestamp) >= toDate(fromUnixTimestamp64Milli({from:Int64}, 'UTC'))
            AND timestamp >= fromUnixTimestamp64Milli({from:Int64}, 'UTC')
            AND timestamp < fromUnixTimestamp64Milli({to:Int64}, 'UTC')
            AND event IN {names:Array(String)}
            AND (step_0 = 1 OR step_1 = 1 OR step_2 = 1 OR step_3 = 1 OR step_4 = 1)
    )
    GROUP BY aggregation_target
)
