-- The newest events received since then; a row may be among them twice before its copies are merged.
-- device, message id, received_at ms, occurred_at ms, event, channel, source, user id, device id, host and path
SELECT
    device, message_id, toUnixTimestamp64Milli(received_at), toUnixTimestamp64Milli(occurred_at),
    toString(event), toString(channel), toString(source), user_id, device_id, concat(toString(host), path)
FROM events
PREWHERE received_at >= fromUnixTimestamp64Milli({since:Int64}, 'UTC')
WHERE project = {project:String} AND is_deleted = 0
ORDER BY received_at DESC
LIMIT {rows:UInt32}
