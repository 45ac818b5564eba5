-- User ids and group ids of a customer, as sent.
SELECT
    arrayFilter(each -> each != '', groupUniqArray(100)(user_id)),
    arrayFilter(each -> each != '', groupUniqArray(100)(group_id))
FROM (
    SELECT user_id, group_id, device, toUnixTimestamp64Milli(occurred_at) AS at
    FROM events FINAL
    WHERE project = {project:String} AND device IN {devices:Array(UInt64)} AND (user_id != '' OR group_id != '')
)
WHERE arrayExists(
    (owned, owned_from, owned_until) -> owned = device AND at >= owned_from AND at < owned_until,
    {devices:Array(UInt64)}, {froms:Array(Int64)}, {untils:Array(Int64)})
SETTINGS do_not_merge_across_partitions_select_final = 1
