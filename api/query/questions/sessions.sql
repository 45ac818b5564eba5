-- Sessions that start in [from, to), in total (is_total = 1), by period, by fields of their entry and by
-- the kind of their customer (api/query/questions/session_values.py). `narrow` 1: of the customers `only`; 2: of all others.
-- is_total, period, fields, kind, sessions, events, views, interactions, conversions, converted sessions, engaged ms,
-- engaged sessions, mean and median duration ms, value micros, single-event sessions, customers,
-- median engaged ms, and where `firsts` asks for it: first sessions of their customers, customers with a later one
SELECT
    grouping(period) AS is_total,
    period,
    fields,
    transform(
        if(joined.customer = 0, owner, joined.customer), {kind_of:Array(UInt64)}, {kinds:Array(UInt32)}, toUInt32(0)
    ) AS kind,
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
    WITH toDateTime(started_at, {zone:String}) AS zoned
    SELECT
        id, owner, events, views, interactions, conversions, engaged_ms, bounced_engaged, duration_ms, value_micros,
-- include period
-- include session_fields
    FROM sessions FINAL
    WHERE project = {project:String}
        AND started_at >= fromUnixTimestamp64Milli({from:Int64}, 'UTC')
        AND started_at < fromUnixTimestamp64Milli({to:Int64}, 'UTC')
        AND ({bots:UInt8} OR NOT is_bot)
-- include session_chosen
) AS asked
LEFT JOIN (
    SELECT identifier, customer FROM identities FINAL WHERE project = {project:String}
) AS joined ON joined.identifier = asked.owner
LEFT JOIN (
-- include first_sessions
) AS first ON first.customer = if(joined.customer = 0, asked.owner, joined.customer)
WHERE NOT {narrow:UInt8}
    OR (if(joined.customer = 0, owner, joined.customer) IN {only:Array(UInt64)}) = ({narrow:UInt8} = 1)
GROUP BY GROUPING SETS ((), (period, fields, kind))
ORDER BY is_total DESC, count() DESC, fields, kind, period
LIMIT {rows:UInt32}
SETTINGS do_not_merge_across_partitions_select_final = 1
