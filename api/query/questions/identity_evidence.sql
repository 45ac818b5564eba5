-- What the events that some evidence rests on tell: device, message id, event, user id and device id as sent.
SELECT device, message_id, event, user_id, device_id
FROM events FINAL
WHERE project = {project:String}
    AND event IN (
        SELECT event FROM timeline
        WHERE project = {project:String}
            AND device IN {devices:Array(UInt64)}
            AND message_id IN {messages:Array(UInt64)}
            AND occurred_at >= fromUnixTimestamp64Milli({from:Int64}, 'UTC')
            AND occurred_at <= fromUnixTimestamp64Milli({to:Int64}, 'UTC'))
    AND device IN {devices:Array(UInt64)}
    AND message_id IN {messages:Array(UInt64)}
    AND occurred_at >= fromUnixTimestamp64Milli({from:Int64}, 'UTC')
    AND occurred_at <= fromUnixTimestamp64Milli({to:Int64}, 'UTC')
SETTINGS do_not_merge_across_partitions_select_final = 1
