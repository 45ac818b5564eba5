-- Journeys that start before `to`, customer by customer, in their order.
-- customer, id, started_at ms, last_at ms, stage
SELECT customer, id, toUnixTimestamp64Milli(started_at), toUnixTimestamp64Milli(last_at), toString(stage)
FROM journeys FINAL
WHERE project = {project:String} AND started_at < fromUnixTimestamp64Milli({to:Int64}, 'UTC')
ORDER BY customer, started_at, id
SETTINGS do_not_merge_across_partitions_select_final = 1
