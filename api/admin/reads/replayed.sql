-- Rejected events in [from, to) to be tried again, in the order of the log.
-- device, reason, received_at ms, source, payload
SELECT device, toString(reason), toUnixTimestamp64Milli(received_at), toString(source), payload
FROM rejected FINAL
WHERE project = {project:String}
    AND received_at >= fromUnixTimestamp64Milli({from:Int64}, 'UTC')
    AND received_at < fromUnixTimestamp64Milli({to:Int64}, 'UTC')
    AND ({reason:String} = '' OR reason = {reason:String})
    AND ({source:String} = '' OR source = {source:String})
ORDER BY log_position
