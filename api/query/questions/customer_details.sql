-- Properties and ids as sent of some of a customer's events.
-- device, message id, occurred_at ms, user id, group id, url, title, source, properties
SELECT
    device, message_id, toUnixTimestamp64Milli(occurred_at), user_id, group_id, url, title, toString(source), properties
FROM events FINAL
WHERE project = {project:String}
    AND event IN {events:Array(String)}
    AND device IN {devices:Array(UInt64)}
    AND occurred_at >= fromUnixTimestamp64Milli({from:Int64}, 'UTC')
    AND occurred_at < fromUnixTimestamp64Milli({to:Int64}, 'UTC')
    AND message_id IN {messages:Array(UInt64)}
SETTINGS do_not_merge_across_partitions_select_final = 1
