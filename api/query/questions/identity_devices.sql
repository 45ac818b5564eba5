-- When some devices were seen first: device, ms.
SELECT device, toUnixTimestamp64Milli(min(occurred_at))
FROM timeline FINAL
WHERE project = {project:String} AND device IN {devices:Array(UInt64)}
GROUP BY device
SETTINGS do_not_merge_across_partitions_select_final = 1
