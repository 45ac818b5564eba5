-- Who of one partition of `changes` may have facts, by their own number: owners of devices, customers of other
-- identifiers, and who has entered a funnel that may be gone.
SELECT DISTINCT customer
FROM (
    SELECT owner AS customer FROM owners FINAL WHERE project = {project:String}
    UNION ALL SELECT customer FROM identities FINAL WHERE project = {project:String}
    UNION ALL SELECT customer FROM funnel_entries FINAL WHERE project = {project:String}
)
WHERE customer % {partitions:UInt32} = {partition:UInt32} AND customer > {after:UInt64}
ORDER BY customer
