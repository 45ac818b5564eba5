-- Owners of one partition of `changes`, by their own number.
SELECT DISTINCT owner
FROM owners FINAL
WHERE project = {project:String} AND owner % {partitions:UInt32} = {partition:UInt32}
