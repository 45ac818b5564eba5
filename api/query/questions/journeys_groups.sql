-- Journeys that start in [from, to) by fields of theirs and by the kind of their customer
-- (api/query/questions/customer_kinds.py).
-- fields, kind, journeys, converted journeys, touchpoints, sessions, conversions, value micros, cost micros, median ms
-- from first to last touchpoint, how many groups
SELECT
    arrayMap(name -> multiIf(
        name = 'first_channel', toString(first_channel),
        name = 'last_channel', toString(last_channel),
        name = 'stage', toString(stage),
        ''), {breakdown:Array(String)}) AS fields,
    transform(customer, {kind_of:Array(UInt64)}, {kinds:Array(UInt32)}, toUInt32(0)) AS kind,
    count() AS journeys,
    countIf(is_converted),
    sum(touchpoints),
    sum(sessions),
    sum(conversions),
    sum(value_micros),
    sum(cost_micros),
    quantileExact(0.5)(dateDiff('millisecond', started_at, last_at)),
    count() OVER ()
-- include journeys_of_range
GROUP BY fields, kind
ORDER BY journeys DESC, fields, kind
LIMIT {rows:UInt32}
SETTINGS do_not_merge_across_partitions_select_final = 1
