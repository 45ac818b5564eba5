-- Properties of a sample of each event's rows in [from, to): types and frequent values, the values as JSON; of equally
-- frequent ones the least texts, so that the same rows always give the same answer.
-- event, property, rows of the sample that have it, types, distinct values, frequent values
SELECT
    event,
    property,
    sum(times),
    arraySort(groupUniqArrayArray(types)),
    uniqMerge(different),
    arrayMap(one -> one.2, arraySlice(arraySort(groupArray((-toInt64(times), value))), 1, 10))
FROM (
    SELECT
        event,
        property,
        substringUTF8(raw, 1, 200) AS value,
        count() AS times,
        groupUniqArray(toString(JSONType(raw))) AS types,
        uniqState(raw) AS different
    FROM (
        SELECT toString(event) AS event, pair.1 AS property, pair.2 AS raw
        FROM (
            SELECT event, properties
            FROM events FINAL
            WHERE project = {project:String}
                AND occurred_at >= fromUnixTimestamp64Milli({from:Int64}, 'UTC')
                AND occurred_at < fromUnixTimestamp64Milli({to:Int64}, 'UTC')
                AND ({bots:UInt8} OR NOT is_bot)
            LIMIT {sample:UInt32} BY event
        )
        ARRAY JOIN JSONExtractKeysAndValuesRaw(properties) AS pair
    )
    GROUP BY event, property, value
)
GROUP BY event, property
ORDER BY event, sum(times) DESC, property
LIMIT 200 BY event
LIMIT {rows:UInt32}
SETTINGS do_not_merge_across_partitions_select_final = 1
