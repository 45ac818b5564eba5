-- Events of some names in [from, to), in total (is_total = 1) and by period.
-- is_total, period, events, devices
WITH toDateTime(occurred_at, {zone:String}) AS zoned
SELECT
    grouping(period) AS is_total,
-- include period
    count(),
    uniqExact(device)
FROM events FINAL
WHERE project = {project:String}
    AND (has({events:Array(String)}, '*') OR event IN {events:Array(String)})
    AND occurred_at >= fromUnixTimestamp64Milli({from:Int64}, 'UTC')
    AND occurred_at < fromUnixTimestamp64Milli({to:Int64}, 'UTC')
    AND ({bots:UInt8} OR NOT is_bot)
GROUP BY GROUPING SETS ((), (period))
ORDER BY is_total DESC, period
LIMIT {rows:UInt32}
SETTINGS do_not_merge_across_partitions_select_final = 1
