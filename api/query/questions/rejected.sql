-- What was rejected in [from, to), by reason and source.
-- reason, source, count, newest received_at ms
SELECT toString(reason), toString(source), count(), max(toUnixTimestamp64Milli(received_at))
FROM rejected FINAL
WHERE project = {project:String}
    AND received_at >= fromUnixTimestamp64Milli({from:Int64}, 'UTC')
    AND received_at < fromUnixTimestamp64Milli({to:Int64}, 'UTC')
    AND ({reason:String} = '' OR reason = {reason:String})
    AND ({source:String} = '' OR source = {source:String})
GROUP BY reason, source
ORDER BY count() DESC, reason, source
SETTINGS do_not_merge_across_partitions_select_final = 1
