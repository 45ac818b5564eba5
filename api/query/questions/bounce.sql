-- Sessions with a view that start in [from, to) and how many of them bounced by one named definition, in total
-- (is_total = 1), by period and by one column of their entry. A session without a view is counted apart: no rate.
-- The nested ifs are folded before planning, so only the column asked for is read; multiIf would read them all.
-- is_total, period, value, sessions, sessions with a view, bounced
SELECT
    grouping(period) AS is_total,
    period,
    value,
    count(),
    countIf(bounced IS NOT NULL),
    countIf(bounced = 1)
FROM (
    SELECT
        multiIf(
            {by:String} = 'hour', formatDateTime(toStartOfHour(toTimeZone(started_at, {zone:String})), '%FT%T%z'),
            {by:String} = 'day', toString(toDate(toTimeZone(started_at, {zone:String}))),
            {by:String} = 'week', toString(toMonday(toTimeZone(started_at, {zone:String}))),
            {by:String} = 'month', toString(toStartOfMonth(toTimeZone(started_at, {zone:String}))),
            '') AS period,
        if({breakdown:String} = 'channel', toString(channel),
        if({breakdown:String} = 'acquisition', toString(acquisition),
        if({breakdown:String} = 'source', toString(utm_source),
        if({breakdown:String} = 'medium', toString(utm_medium),
        if({breakdown:String} = 'campaign', toString(utm_campaign),
        if({breakdown:String} = 'click_id', toString(click_id),
        if({breakdown:String} = 'referrer', toString(referrer_host),
        if({breakdown:String} = 'country', toString(country),
        if({breakdown:String} = 'region', toString(region),
        if({breakdown:String} = 'city', toString(city),
        if({breakdown:String} = 'device_type', toString(device_type),
        if({breakdown:String} = 'browser', toString(browser),
        if({breakdown:String} = 'os', toString(os),
        if({breakdown:String} = 'entry_host', toString(entry_host),
        if({breakdown:String} = 'entry_page', entry_path,
        if({breakdown:String} = 'exit_page', exit_path,
        '')))))))))))))))) AS value,
        multiIf(
            {definition:String} = 'engaged', bounced_engaged,
            {definition:String} = 'no_interaction', bounced_no_interaction,
            {definition:String} = 'single_page', bounced_single_page,
            {definition:String} = 'single_event', bounced_single_event,
            NULL) AS bounced
    FROM sessions FINAL
    WHERE project = {project:String}
        AND started_at >= fromUnixTimestamp64Milli({from:Int64}, 'UTC')
        AND started_at < fromUnixTimestamp64Milli({to:Int64}, 'UTC')
        AND ({bots:UInt8} OR NOT is_bot)
        AND (NOT {narrow:UInt8} OR owner IN (
            SELECT identifier
            FROM identities FINAL
            WHERE {narrow:UInt8} AND project = {project:String} AND customer IN {only:Array(UInt64)}
            UNION ALL
            SELECT arrayJoin({only:Array(UInt64)})
        ))
)
GROUP BY GROUPING SETS ((), (period, value))
ORDER BY is_total DESC, count() DESC, value, period
LIMIT {rows:UInt32}
SETTINGS do_not_merge_across_partitions_select_final = 1
