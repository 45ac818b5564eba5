-- As customer_moments, with the few columns that tell an act and its page apart.
-- customer, device, occurred_at ms, message id, sequence, event, type, path, is_passive, properties where `wide` asks for them
SELECT
    if(identity.customer = 0, if(ownership.owner = 0, e.device, ownership.owner), identity.customer) AS customer,
    e.device,
    toUnixTimestamp64Milli(e.occurred_at),
    e.message_id,
    e.sequence,
    e.event,
    e.type,
    e.path,
    e.is_passive,
    if({wide:UInt8}, e.properties, '{}')
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
ORDER BY customer, e.occurred_at, e.sequence, e.message_id, e.device
SETTINGS do_not_merge_across_partitions_select_final = 1
