-- All devices of one partition.
SELECT DISTINCT device
FROM owners FINAL
WHERE project = {project:String} AND device % {partitions:UInt32} = {partition:UInt32} AND device > {after:UInt64}
ORDER BY device
