-- Traits of a customer's newest identify calls, the newest first.
SELECT properties
FROM (
    SELECT properties, device, toUnixTimestamp64Milli(occurred_at) AS at, sequence, message_id
    FROM events FINAL
    WHERE project = {project:String} AND event = 'identify' AND type = 'identify' AND device IN {devices:Array(UInt64)}
)
WHERE arrayExists(
    (owned, owned_from, owned_until) -> owned = device AND at >= owned_from AND at < owned_until,
    {devices:Array(UInt64)}, {froms:Array(Int64)}, {untils:Array(Int64)})
ORDER BY at DESC, sequence DESC, message_id DESC
LIMIT 200
SETTINGS do_not_merge_across_partitions_select_final = 1
