-- Sessions that start in [from, to), in total (is_total = 1), by period and by one column of their entry.
-- The nested ifs are folded before planning, so only the column asked for is read; multiIf would read them all.
-- is_total, period, value, sessions, events, views, interactions, conversions, converted sessions, engaged ms,
-- engaged sessions, mean and median duration ms, value micros, single-event sessions, customers,
-- median engaged ms, and where `firsts` asks for it: first sessions of their customers, customers with a later one
SELECT
    grouping(period) AS is_total,
    period,
    value,
    count(),
    sum(events),
    sum(views),
    sum(interactions),
    sum(conversions),
    countIf(conversions > 0),
    sum(engaged_ms),
    countIf(bounced_engaged = 0),
    avg(duration_ms),
    quantileExact(0.5)(duration_ms),
    sum(value_micros),
    countIf(events = 1),
    uniqExact(if(joined.customer = 0, owner, joined.customer)),
    quantileExact(0.5)(engaged_ms),
    countIf(first.id = asked.id),
    uniqExactIf(if(joined.customer = 0, owner, joined.customer), first.id != asked.id)
FROM (
    SELECT
        id, owner, events, views, interactions, conversions, engaged_ms, bounced_engaged, duration_ms, value_micros,
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
        '')))))))))))))))) AS value
    FROM sessions FINAL
    WHERE project = {project:String}
        AND started_at >= fromUnixTimestamp64Milli({from:Int64}, 'UTC')
        AND started_at < fromUnixTimestamp64Milli({to:Int64}, 'UTC')
        AND ({bots:UInt8} OR NOT is_bot)
) AS asked
LEFT JOIN (
    SELECT identifier, customer FROM identities FINAL WHERE project = {project:String}
) AS joined ON joined.identifier = asked.owner
LEFT JOIN (
-- include first_sessions
) AS first ON first.customer = if(joined.customer = 0, asked.owner, joined.customer)
WHERE NOT {narrow:UInt8} OR if(joined.customer = 0, owner, joined.customer) IN {only:Array(UInt64)}
GROUP BY GROUPING SETS ((), (period, value))
ORDER BY is_total DESC, count() DESC, value, period
LIMIT {rows:UInt32}
SETTINGS do_not_merge_across_partitions_select_final = 1
