-- Log positions of accepted events, by device and message id.
SELECT
    device, message_id, log_position
FROM timeline FINAL
PREWHERE project = {project:String} AND device IN {devices:Array(UInt64)} AND message_id IN {message_ids:Array(UInt64)}
