-- Rejected events that came in [since, until), of one source or of all, by reason.
SELECT toString(reason), count()
FROM rejected FINAL
WHERE project = {project:String}
    AND received_at >= fromUnixTimestamp64Milli({since:Int64}, 'UTC')
    AND received_at < fromUnixTimestamp64Milli({until:Int64}, 'UTC')
    AND ({source:String} = '' OR source = {source:String})
GROUP BY reason
