-- Events of some names ("*" = all) in [from, to) with the customer of each, in order.
-- customer, then the columns of schemas.facts.EventRow; properties and long texts only where `wide` asks for them.
SELECT
    if(identity.customer = 0, if(ownership.owner = 0, e.device, ownership.owner), identity.customer) AS customer,
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
ASOF LEFT JOIN (
    SELECT device, owned_from, owner FROM owners FINAL WHERE project = {project:String}
) AS ownership ON ownership.device = e.device AND toUnixTimestamp64Milli(e.occurred_at) >= ownership.owned_from
LEFT JOIN (
    SELECT identifier, customer FROM identities FINAL WHERE project = {project:String}
) AS identity ON identity.identifier = if(ownership.owner = 0, e.device, ownership.owner)
WHERE e.project = {project:String}
    AND (has({events:Array(String)}, '*') OR e.event IN {events:Array(String)})
    AND e.occurred_at >= fromUnixTimestamp64Milli({from:Int64}, 'UTC')
    AND e.occurred_at < fromUnixTimestamp64Milli({to:Int64}, 'UTC')
    AND ({bots:UInt8} OR NOT e.is_bot)
ORDER BY customer, e.occurred_at, e.sequence, e.message_id, e.device
SETTINGS do_not_merge_across_partitions_select_final = 1
