-- Of the events of these devices those that are the customer's: while one of his identifiers owned the device.
ASOF INNER JOIN (
    SELECT device, owned_from, owned_until
    FROM owners_by_owner FINAL
    WHERE project = {project:String} AND owner IN {owners:Array(UInt64)}
) AS owned ON owned.device = e.device AND e.at >= owned.owned_from
WHERE e.at < owned.owned_until
