-- Events of some names in [from, to), in total (is_total = 1) and by period, with the customers who did them.
-- is_total, period, events, devices, customers
WITH toDateTime(e.occurred_at, {zone:String}) AS zoned
SELECT
    grouping(period) AS is_total,
-- include period
    count(),
    uniqExact(e.device),
    uniqExact(if(identity.customer = 0, if(ownership.owner = 0, e.device, ownership.owner), identity.customer))
-- include events_of_customers
GROUP BY GROUPING SETS ((), (period))
ORDER BY is_total DESC, period
LIMIT {rows:UInt32}
SETTINGS do_not_merge_across_partitions_select_final = 1
