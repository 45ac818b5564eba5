-- Every stored row of conversions in the scope, to be held against the core.
SELECT
    project, customer, toUnixTimestamp64Milli(occurred_at), id, goal, goal_version,
    kind, device, message_id, event, value_micros, currency,
    journey
FROM conversions FINAL
WHERE project = {project:String} AND ({everything:Bool} OR customer IN {identifiers:Array(UInt64)})
