-- Pages that were seen in [from, to), the most frequent first.
SELECT path
FROM events
WHERE project = {project:String}
    AND event IN ('page', 'screen')
    AND path != ''
    AND occurred_at >= fromUnixTimestamp64Milli({from:Int64}, 'UTC')
    AND occurred_at < fromUnixTimestamp64Milli({to:Int64}, 'UTC')
GROUP BY path
ORDER BY count() DESC, path
LIMIT 5000
