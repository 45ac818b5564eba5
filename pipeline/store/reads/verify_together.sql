-- Devices and identifiers that the given ones lead to: (device, identifier) rows.
SELECT device, 0 FROM owners FINAL
WHERE project = {project:String} AND owner IN {identifiers:Array(UInt64)}
UNION ALL
SELECT 0, owner FROM owners FINAL
WHERE project = {project:String} AND device IN {devices:Array(UInt64)}
UNION ALL
SELECT device, other FROM pairs FINAL
WHERE project = {project:String} AND identifier IN {identifiers:Array(UInt64)}
UNION ALL
SELECT 0, identifier FROM pairs FINAL
WHERE project = {project:String} AND device IN {devices:Array(UInt64)}
