-- Every stored row of journeys in the scope, to be held against the core.
SELECT
    project, customer, toUnixTimestamp64Milli(started_at), id, toUnixTimestamp64Milli(last_at), touchpoints,
    sessions, conversions, is_converted, value_micros, cost_micros, first_channel,
    last_channel, path, stage
FROM journeys FINAL
WHERE project = {project:String} AND ({everything:Bool} OR customer IN {identifiers:Array(UInt64)})
