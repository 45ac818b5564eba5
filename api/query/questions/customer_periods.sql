-- Customers with events of some names in [from, to), each with the days, weeks or months in which he has one.
-- customer, names of the periods
SELECT
    if(identity.customer = 0, if(ownership.owner = 0, e.device, ownership.owner), identity.customer) AS customer,
    groupUniqArray(multiIf(
        {by:String} = 'day', toString(toDate(toTimeZone(e.occurred_at, {zone:String}))),
        {by:String} = 'week', toString(toMonday(toTimeZone(e.occurred_at, {zone:String}))),
        {by:String} = 'month', toString(toStartOfMonth(toTimeZone(e.occurred_at, {zone:String}))),
        ''))
-- include events_of_customers
GROUP BY customer
SETTINGS do_not_merge_across_partitions_select_final = 1
