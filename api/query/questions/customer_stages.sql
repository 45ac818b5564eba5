-- Journeys that start before `to`, customer by customer, in their order. Of two that begin in one millisecond the first
-- has ended in it, with a conversion; where both have, `customer` comes before `returning`.
-- customer, id, started_at ms, last_at ms, stage
SELECT customer, id, toUnixTimestamp64Milli(started_at), toUnixTimestamp64Milli(last_at), toString(stage)
FROM journeys FINAL
WHERE project = {project:String} AND started_at < fromUnixTimestamp64Milli({to:Int64}, 'UTC')
ORDER BY customer, started_at, last_at, toString(stage)
SETTINGS do_not_merge_across_partitions_select_final = 1
