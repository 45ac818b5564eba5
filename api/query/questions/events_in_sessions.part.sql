-- Events of some names ("*" = all) in [from, to) that can lie in a session (pipeline/domain/sessions.py).
WHERE e.project = {project:String}
    AND (has({events:Array(String)}, '*') OR e.event IN {events:Array(String)})
    AND e.occurred_at >= fromUnixTimestamp64Milli({from:Int64}, 'UTC')
    AND e.occurred_at < fromUnixTimestamp64Milli({to:Int64}, 'UTC')
    AND ({bots:UInt8} OR NOT e.is_bot)
    AND e.channel IN ('web', 'app', 'chat')
    AND e.contact = ''
