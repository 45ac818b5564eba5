FROM funnel_entries FINAL
WHERE project = {project:String}
    AND funnel = {funnel:String}
    AND funnel_version = {funnel_version:UInt32}
    AND entered_at >= fromUnixTimestamp64Milli({from:Int64}, 'UTC')
    AND entered_at < fromUnixTimestamp64Milli({to:Int64}, 'UTC')
