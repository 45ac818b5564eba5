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
-- include events_of_customers
ORDER BY customer, e.occurred_at, e.sequence, e.message_id, e.device
SETTINGS do_not_merge_across_partitions_select_final = 1
