-- As customer_events, without the many columns that only filters and breakdowns by a $column need.
-- customer, device, occurred_at ms, message id, sequence, event, properties where `wide` asks for them
SELECT
    if(identity.customer = 0, if(ownership.owner = 0, e.device, ownership.owner), identity.customer) AS customer,
    e.device,
    toUnixTimestamp64Milli(e.occurred_at),
    e.message_id,
    e.sequence,
    e.event,
    if({wide:UInt8}, e.properties, '{}')
-- include events_of_customers
ORDER BY customer, e.occurred_at, e.sequence, e.message_id, e.device
SETTINGS do_not_merge_across_partitions_select_final = 1
