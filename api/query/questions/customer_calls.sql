-- Identify or group calls (`kind`) in [from, to) with the customer of each, in order.
-- customer, device, occurred_at ms, message id, sequence, group id, properties
SELECT
    if(identity.customer = 0, if(ownership.owner = 0, e.device, ownership.owner), identity.customer) AS customer,
    e.device,
    toUnixTimestamp64Milli(e.occurred_at),
    e.message_id,
    e.sequence,
    e.group_id,
    if({kind:String} = 'identify', e.properties, '{}')
-- include events_of_customers
    AND e.type = {kind:String}
ORDER BY customer, e.occurred_at, e.sequence, e.message_id, e.device
SETTINGS do_not_merge_across_partitions_select_final = 1
