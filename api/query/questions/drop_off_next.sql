-- What customers did after they left: each of `customers` at a time of `places` (ms), looked at until one of `untils`.
-- The part reads the events of all; only the first act after a place, and what shares its millisecond, comes back.
-- number from 1, [event at the very millisecond], [the first act after it, or none]; an event is
-- (at ms, sequence, message id, device, event, type, path, is_passive)
SELECT
    gone.1 AS number,
    arraySort(groupArrayIf(
        (happened.at, happened.sequence, happened.message_id, happened.device, happened.event, happened.type, happened.path, happened.is_passive),
        happened.at = gone.3
    )),
    arraySlice(arraySort(groupArraySortedIf(1)(
        (happened.at, happened.sequence, happened.message_id, happened.device, happened.event, happened.type, happened.path, happened.is_passive),
        happened.at > gone.3 AND NOT happened.is_passive
    )), 1, 1)
FROM (
    SELECT
        if(identity.customer = 0, if(ownership.owner = 0, e.device, ownership.owner), identity.customer) AS customer,
        toUnixTimestamp64Milli(e.occurred_at) AS at,
        e.sequence AS sequence,
        e.message_id AS message_id,
        e.device AS device,
        toString(e.event) AS event,
        toString(e.type) AS type,
        e.path AS path,
        e.is_passive AS is_passive
-- include events_of_customers
) AS happened
INNER JOIN (
    SELECT arrayJoin(arrayZip(
        arrayEnumerate({customers:Array(UInt64)}), {customers:Array(UInt64)}, {places:Array(Int64)}, {untils:Array(Int64)}
    )) AS gone, gone.2 AS customer
) AS leaving ON leaving.customer = happened.customer
WHERE happened.at >= gone.3 AND happened.at <= gone.4
GROUP BY number
ORDER BY number
SETTINGS do_not_merge_across_partitions_select_final = 1
