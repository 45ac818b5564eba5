-- The values that a funnel's breakdown has among its events.
-- value, its hash
SELECT DISTINCT
-- include funnel_value
    AS value,
    cityHash64(value)
FROM events
WHERE project = {project:String}
    AND (has({events:Array(String)}, '*') OR event IN {events:Array(String)})
    AND occurred_at >= fromUnixTimestamp64Milli({from:Int64}, 'UTC')
    AND occurred_at < fromUnixTimestamp64Milli({to:Int64}, 'UTC')
