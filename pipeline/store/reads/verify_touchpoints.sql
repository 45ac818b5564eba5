-- Every stored row of touchpoints in the scope, to be held against the core.
SELECT
    project, device, toUnixTimestamp64Milli(started_at), id, owner, is_session,
    contact, channel, acquisition, utm_source, utm_medium, utm_campaign,
    event, is_bot, conversions, ends_journey, value_micros, cost_micros
FROM touchpoints FINAL
WHERE project = {project:String} AND ({everything:Bool} OR device IN {devices:Array(UInt64)})
