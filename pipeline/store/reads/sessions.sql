-- The stored sessions of some devices.
SELECT
    project, device, toUnixTimestamp64Milli(started_at), id, owner, toUnixTimestamp64Milli(run_started_at),
    toUnixTimestamp64Milli(last_at), toUnixTimestamp64Milli(ends_at), channel, is_bot, is_cut, sender_session,
    events, views, interactions, conversions, ends_journey, engaged_ms,
    value_micros, entry_host, entry_path, exit_path, referrer_host, acquisition,
    utm_source, utm_medium, utm_campaign, click_id, country, region,
    city, browser, os, device_type
FROM sessions FINAL
PREWHERE project = {project:String} AND device IN {devices:Array(UInt64)}
ORDER BY device, started_at, id
