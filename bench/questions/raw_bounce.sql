-- Bounce by the same rule from events that know their session, as where nothing is kept by session.
SELECT count(), countIf(views > 0), countIf(views = 1 AND others = 0 AND lasted < 10000)
FROM (
    SELECT
        JSONExtractString(properties, '$session_id') AS session,
        countIf(event = 'page') AS views,
        countIf(event NOT IN ('page', 'scroll')) AS others,
        dateDiff('millisecond', min(timestamp), max(timestamp)) AS lasted
    FROM posthog_events
    WHERE team_id = 1
        AND timestamp >= fromUnixTimestamp64Milli({from:Int64}, 'UTC')
        AND timestamp < fromUnixTimestamp64Milli({to:Int64}, 'UTC')
    GROUP BY session
)
