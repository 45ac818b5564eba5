FROM journeys FINAL
WHERE project = {project:String}
    AND started_at >= fromUnixTimestamp64Milli({from:Int64}, 'UTC')
    AND started_at < fromUnixTimestamp64Milli({to:Int64}, 'UTC')
    AND (NOT {narrow:UInt8} OR customer IN {only:Array(UInt64)})
