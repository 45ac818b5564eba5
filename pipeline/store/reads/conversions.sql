-- The stored conversions of some customers.
SELECT
    project, customer, toUnixTimestamp64Milli(occurred_at), id, goal, goal_version,
    kind, device, message_id, event, value_micros, currency,
    journey
FROM conversions FINAL
PREWHERE project = {project:String} AND customer IN {customers:Array(UInt64)}
