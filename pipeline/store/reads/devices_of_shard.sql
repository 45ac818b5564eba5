-- Devices of one partition that have an event of some names.
SELECT DISTINCT device
FROM events FINAL
WHERE project = {project:String} AND event IN {events:Array(String)} AND device % {partitions:UInt32} = {partition:UInt32} AND device > {after:UInt64}
ORDER BY device
