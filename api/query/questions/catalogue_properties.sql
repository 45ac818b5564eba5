-- Properties of a sample of each event's rows in [from, to): types and frequent values, the values as JSON.
-- event, property, rows of the sample that have it, types, distinct values, frequent values
SELECT
    event,
    property,
    count(),
    arraySort(groupUniqArray(toString(JSONType(raw)))),
    uniq(raw),
    topK(10)(substringUTF8(raw, 1, 200))
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
GROUP BY event, property
ORDER BY event, count() DESC, property
LIMIT 200 BY event
LIMIT {rows:UInt32}
SETTINGS do_not_merge_across_partitions_select_final = 1
