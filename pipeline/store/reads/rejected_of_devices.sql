-- Message ids, log positions and times of receipt, ms, of what some devices sent and was rejected.
SELECT device, message_id, log_position, toUnixTimestamp64Milli(received_at)
FROM rejected FINAL
PREWHERE project = {project:String} AND device IN {devices:Array(UInt64)}
