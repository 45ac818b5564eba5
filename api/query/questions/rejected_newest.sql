-- The newest rejected events in [from, to).
-- received_at ms, source, reason, field, message, payload, device, message id
SELECT toUnixTimestamp64Milli(received_at), toString(source), toString(reason), field, message, payload, device, message_id
FROM rejected FINAL
WHERE project = {project:String}
    AND received_at >= fromUnixTimestamp64Milli({from:Int64}, 'UTC')
    AND received_at < fromUnixTimestamp64Milli({to:Int64}, 'UTC')
    AND ({reason:String} = '' OR reason = {reason:String})
    AND ({source:String} = '' OR source = {source:String})
ORDER BY received_at DESC, log_position DESC
LIMIT {rows:UInt32}
SETTINGS do_not_merge_across_partitions_select_final = 1
