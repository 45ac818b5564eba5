-- Names of events in [from, to).
-- event, type, count, devices, first and last occurred_at ms
SELECT
    toString(event),
    toString(any(type)),
    count(),
    uniq(device),
    min(toUnixTimestamp64Milli(occurred_at)),
    max(toUnixTimestamp64Milli(occurred_at))
FROM events FINAL
WHERE project = {project:String}
    AND occurred_at >= fromUnixTimestamp64Milli({from:Int64}, 'UTC')
    AND occurred_at < fromUnixTimestamp64Milli({to:Int64}, 'UTC')
    AND ({bots:UInt8} OR NOT is_bot)
GROUP BY event
ORDER BY count() DESC, event
LIMIT {rows:UInt32}
SETTINGS do_not_merge_across_partitions_select_final = 1
