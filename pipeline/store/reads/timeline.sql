-- All events of some devices, in order.
SELECT
    project, device, toUnixTimestamp64Milli(occurred_at), message_id, sequence, log_position,
    event, type, channel, user, email, phone,
    vendors, is_bot, is_passive, new_session, sender_session, contact,
    engaged_ms, host, path, referrer_host, acquisition, utm_source,
    utm_medium, utm_campaign, click_id, country, region, city,
    browser, os, device_type, value_micros, currency, cost_micros,
    alias_of, source
FROM timeline FINAL
PREWHERE project = {project:String} AND device IN {devices:Array(UInt64)}
ORDER BY device, occurred_at, sequence, message_id
