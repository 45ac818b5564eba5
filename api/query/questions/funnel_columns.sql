-- Events that a funnel looks at, customer by customer in the order of its entries (pipeline/domain/walk.py): by time, in a
-- millisecond by the first step that each can fill (`ranks`), then by the order of events.
-- customer, ms, what it can do as bits, whether it is passive, message id, hash of the breakdown's value
SELECT
    if(identity.customer = 0, if(ownership.owner = 0, e.device, ownership.owner), identity.customer) AS customer,
-- include funnel_columns_read
-- include events_of_customers
-- each filter funnel_filter
ORDER BY
    customer,
    e.occurred_at,
    transform(e.event, {names:Array(String)}, {ranks:Array(UInt64)}, {other_rank:UInt64}),
    e.sequence,
    e.message_id,
    e.device
SETTINGS do_not_merge_across_partitions_select_final = 1
