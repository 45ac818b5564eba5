-- Every rejected event in the scope: device, message id and log position.
SELECT device, message_id, log_position
FROM rejected FINAL
WHERE project = {project:String} AND ({everything:Bool} OR device IN {devices:Array(UInt64)})
ORDER BY log_position
