-- Events of some names ("*" = all) in [from, to) with the session that holds each, in order.
-- session's id, then the columns of schemas.facts.EventRow; properties and long texts only where `wide` asks for them.
SELECT
    session.id,
    e.project,
    e.device,
    toUnixTimestamp64Milli(e.occurred_at),
    e.message_id,
    e.sequence,
    e.log_position,
    e.event,
    e.type,
    e.channel,
    e.user,
    e.email,
    e.phone,
    e.vendors,
    e.is_bot,
    e.is_passive,
    e.new_session,
    e.sender_session,
    e.contact,
    e.engaged_ms,
    e.host,
    e.path,
    e.referrer_host,
    e.acquisition,
    e.utm_source,
    e.utm_medium,
    e.utm_campaign,
    e.click_id,
    e.country,
    e.region,
    e.city,
    e.browser,
    e.os,
    e.device_type,
    e.value_micros,
    e.currency,
    e.cost_micros,
    e.alias_of,
    e.source,
    toUnixTimestamp64Milli(e.received_at),
    if({wide:UInt8}, e.device_id, ''),
    if({wide:UInt8}, e.user_id, ''),
    if({wide:UInt8}, e.group_id, ''),
    if({wide:UInt8}, e.original_timestamp, ''),
    if({wide:UInt8}, e.time_source, ''),
    if({wide:UInt8}, e.url, ''),
    if({wide:UInt8}, e.title, ''),
    if({wide:UInt8}, e.referrer, ''),
    e.is_trusted,
    if({wide:UInt8}, e.properties, '{}')
FROM events AS e FINAL
ASOF INNER JOIN (
    SELECT id, device, if({by_sender:UInt8}, sender_session, 0) AS sender, started_at, last_at
    FROM sessions FINAL
    WHERE project = {project:String}
        AND started_at >= fromUnixTimestamp64Milli({sessions_from:Int64}, 'UTC')
        AND started_at < fromUnixTimestamp64Milli({to:Int64}, 'UTC')
) AS session ON session.device = e.device
    AND session.sender = if({by_sender:UInt8}, e.sender_session, 0)
    AND e.occurred_at >= session.started_at
WHERE e.project = {project:String}
    AND (has({events:Array(String)}, '*') OR e.event IN {events:Array(String)})
    AND e.occurred_at >= fromUnixTimestamp64Milli({from:Int64}, 'UTC')
    AND e.occurred_at < fromUnixTimestamp64Milli({to:Int64}, 'UTC')
    AND ({bots:UInt8} OR NOT e.is_bot)
    AND e.channel IN ('web', 'app', 'chat')
    AND e.contact = ''
    AND e.occurred_at <= session.last_at
ORDER BY session.id, e.occurred_at, e.sequence, e.message_id
SETTINGS do_not_merge_across_partitions_select_final = 1
