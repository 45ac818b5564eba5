-- Devices of which something was received from a time on: their facts may be under way.
SELECT device FROM events
WHERE project = {project:String} AND received_at >= fromUnixTimestamp64Milli({since:Int64})
UNION DISTINCT
SELECT device FROM rejected
WHERE project = {project:String} AND received_at >= fromUnixTimestamp64Milli({since:Int64})
