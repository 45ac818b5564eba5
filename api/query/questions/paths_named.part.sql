SELECT DISTINCT
    if(type IN ('page', 'screen') AND {by_path:UInt8} AND path != '', path, toString(event)) AS name,
    cityHash64(name) AS node
FROM events
WHERE project = {project:String}
    AND (has({events:Array(String)}, '*') OR event IN {events:Array(String)})
    AND occurred_at >= fromUnixTimestamp64Milli({from:Int64}, 'UTC')
    AND occurred_at < fromUnixTimestamp64Milli({to:Int64}, 'UTC')
