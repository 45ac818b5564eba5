-- Events of some names ("*" = all) in [from, to), each with the owner on its device and the customer of that.
FROM events AS e FINAL
ASOF LEFT JOIN (
    SELECT device, owned_from, owner FROM owners FINAL WHERE project = {project:String}
) AS ownership ON ownership.device = e.device AND toUnixTimestamp64Milli(e.occurred_at) >= ownership.owned_from
LEFT JOIN (
    SELECT identifier, customer FROM identities FINAL WHERE project = {project:String}
) AS identity ON identity.identifier = if(ownership.owner = 0, e.device, ownership.owner)
WHERE e.project = {project:String}
    AND (has({events:Array(String)}, '*') OR e.event IN {events:Array(String)})
    AND e.occurred_at >= fromUnixTimestamp64Milli({from:Int64}, 'UTC')
    AND e.occurred_at < fromUnixTimestamp64Milli({to:Int64}, 'UTC')
    AND ({bots:UInt8} OR NOT e.is_bot)
