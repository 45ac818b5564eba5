-- Events of some names ("*" = all) in [from, to), each with the session that holds it. Of sessions that begin in one
-- millisecond (an event may open one of its own in the time of the one before it) the last: no other goes on after that.
FROM events AS e FINAL
ASOF INNER JOIN (
    SELECT
        id, device, if({by_sender:UInt8}, sender_session, 0) AS sender, started_at, last_at,
        2 * toUnixTimestamp64Milli(started_at) + (last_at > started_at) AS place
    FROM sessions FINAL
    WHERE project = {project:String}
        AND started_at >= fromUnixTimestamp64Milli({sessions_from:Int64}, 'UTC')
        AND started_at < fromUnixTimestamp64Milli({to:Int64}, 'UTC')
) AS session ON session.device = e.device
    AND session.sender = if({by_sender:UInt8}, e.sender_session, 0)
    AND 2 * toUnixTimestamp64Milli(e.occurred_at) + 1 >= session.place
-- include events_in_sessions
    AND e.occurred_at <= session.last_at
