-- Everybody with an event in [from, to).
SELECT DISTINCT if(identity.customer = 0, if(ownership.owner = 0, e.device, ownership.owner), identity.customer)
-- include events_of_customers
SETTINGS do_not_merge_across_partitions_select_final = 1
