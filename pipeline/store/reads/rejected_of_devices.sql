-- Message ids and log positions of what some devices sent and was rejected.
SELECT device, message_id, log_position
FROM rejected FINAL
WHERE project = {project:String} AND device IN {devices:Array(UInt64)}
