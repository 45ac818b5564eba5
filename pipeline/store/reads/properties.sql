-- Properties of the events of some names on some devices.
SELECT message_id, properties
FROM events FINAL
WHERE project = {project:String} AND event IN {events:Array(String)} AND device IN {devices:Array(UInt64)}
