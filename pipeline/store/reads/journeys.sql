-- The stored journeys of some customers.
SELECT
    project, customer, toUnixTimestamp64Milli(started_at), id, toUnixTimestamp64Milli(last_at), touchpoints,
    sessions, conversions, is_converted, value_micros, cost_micros, first_channel,
    last_channel, path, stage
FROM journeys FINAL
PREWHERE project = {project:String} AND customer IN {customers:Array(UInt64)}
