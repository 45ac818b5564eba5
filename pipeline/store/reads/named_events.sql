-- Events of some names on some devices, whole.
SELECT
    project, device, toUnixTimestamp64Milli(occurred_at), message_id, sequence, log_position,
    event, type, channel, user, email, phone,
    vendors, is_bot, is_passive, new_session, sender_session, contact,
    engaged_ms, host, path, referrer_host, acquisition, utm_source,
    utm_medium, utm_campaign, click_id, country, region, city,
    browser, os, device_type, value_micros, currency, cost_micros,
    alias_of, source, toUnixTimestamp64Milli(received_at), device_id, user_id, group_id,
    original_timestamp, time_source, url, title, referrer, is_trusted,
    properties
FROM events FINAL
PREWHERE project = {project:String} AND event IN {events:Array(String)} AND device IN {devices:Array(UInt64)}
ORDER BY occurred_at, sequence, message_id, device
