-- Who of one partition of `changes` may have facts, by their own number: owners of devices, customers of other
-- identifiers, and who has entered a funnel that may be gone.
SELECT DISTINCT owner
FROM owners FINAL
WHERE project = {project:String} AND owner % {partitions:UInt32} = {partition:UInt32}
UNION DISTINCT
SELECT customer
FROM identities FINAL
WHERE project = {project:String} AND customer % {partitions:UInt32} = {partition:UInt32}
UNION DISTINCT
SELECT customer
FROM funnel_entries FINAL
WHERE project = {project:String} AND customer % {partitions:UInt32} = {partition:UInt32}
