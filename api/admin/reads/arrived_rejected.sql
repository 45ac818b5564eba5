-- The newest rejects received since then.
-- device, message id, received_at ms, source, reason, message
SELECT device, message_id, toUnixTimestamp64Milli(received_at), toString(source), toString(reason), message
FROM rejected
WHERE project = {project:String}
    AND received_at >= fromUnixTimestamp64Milli({since:Int64}, 'UTC')
    AND is_deleted = 0
ORDER BY received_at DESC
LIMIT {rows:UInt32}
