-- The stored touchpoints of some devices.
SELECT
    project, device, toUnixTimestamp64Milli(started_at), id, owner, is_session,
    contact, channel, acquisition, utm_source, utm_medium, utm_campaign,
    event, is_bot, conversions, ends_journey, value_micros, cost_micros
FROM touchpoints FINAL
PREWHERE project = {project:String} AND device IN {devices:Array(UInt64)}
ORDER BY device, started_at, id
