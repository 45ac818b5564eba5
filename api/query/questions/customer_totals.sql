-- How many events a customer has, and the first and last of them, ms.
SELECT count(), min(at), max(at)
FROM (
    SELECT device, toUnixTimestamp64Milli(occurred_at) AS at
    FROM timeline FINAL
    WHERE project = {project:String} AND device IN {devices:Array(UInt64)}
)
WHERE arrayExists(
    (owned, owned_from, owned_until) -> owned = device AND at >= owned_from AND at < owned_until,
    {devices:Array(UInt64)}, {froms:Array(Int64)}, {untils:Array(Int64)})
SETTINGS do_not_merge_across_partitions_select_final = 1
