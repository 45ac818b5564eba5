-- Sessions that start in [from, to), each with its customer, as the core sees them.
-- customer, whether it is the customer's first one (where `firsts` asks for it), the columns of schemas.facts.Session
SELECT
    if(joined.customer = 0, asked.owner, joined.customer) AS customer,
    {firsts:UInt8} AND first.id = asked.id,
    asked.project,
    asked.device,
    toUnixTimestamp64Milli(asked.started_at),
    asked.id,
    asked.owner,
    toUnixTimestamp64Milli(asked.run_started_at),
    toUnixTimestamp64Milli(asked.last_at),
    toUnixTimestamp64Milli(asked.ends_at),
    toString(asked.channel),
    asked.is_bot,
    asked.is_cut,
    asked.sender_session,
    asked.events,
    asked.views,
    asked.interactions,
    asked.conversions,
    asked.ends_journey,
    asked.engaged_ms,
    asked.value_micros,
    toString(asked.entry_host),
    asked.entry_path,
    asked.exit_path,
    toString(asked.referrer_host),
    toString(asked.acquisition),
    toString(asked.utm_source),
    toString(asked.utm_medium),
    toString(asked.utm_campaign),
    toString(asked.click_id),
    toString(asked.country),
    toString(asked.region),
    toString(asked.city),
    toString(asked.browser),
    toString(asked.os),
    toString(asked.device_type)
FROM sessions AS asked FINAL
LEFT JOIN (
    SELECT identifier, customer FROM identities FINAL WHERE project = {project:String}
) AS joined ON joined.identifier = asked.owner
LEFT JOIN (
-- include first_sessions
) AS first ON first.customer = if(joined.customer = 0, asked.owner, joined.customer)
WHERE asked.project = {project:String}
    AND asked.started_at >= fromUnixTimestamp64Milli({from:Int64}, 'UTC')
    AND asked.started_at < fromUnixTimestamp64Milli({to:Int64}, 'UTC')
    AND ({bots:UInt8} OR NOT asked.is_bot)
ORDER BY asked.started_at, asked.id
SETTINGS do_not_merge_across_partitions_select_final = 1
