-- From which channel to which the touchpoints of journeys go that start in [from, to); where `fold`, without those from
-- a channel to itself.
-- channel, the next one's channel, how often, in how many journeys, in how many that converted, how often from the
-- channel to any
SELECT
    pair.1,
    pair.2,
    count(),
    uniqExact(customer, id),
    uniqExactIf((customer, id), is_converted),
    sum(count()) OVER (PARTITION BY pair.1)
FROM (
    SELECT
        customer, id, is_converted,
        arrayMap(each -> toString(each), if({fold:UInt8}, arrayCompact(path), path)) AS way,
        arrayJoin(arrayZip(arrayPopBack(way), arrayPopFront(way))) AS pair
-- include journeys_of_range
)
GROUP BY pair
ORDER BY count() DESC, pair.1, pair.2
LIMIT {rows:UInt32}
SETTINGS do_not_merge_across_partitions_select_final = 1
