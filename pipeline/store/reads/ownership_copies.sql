-- What owners_by_owner has of some owners on some devices.
SELECT
    project, device, owned_from, owned_until, owner, known_from
FROM owners_by_owner FINAL
PREWHERE project = {project:String} AND owner IN {owners:Array(UInt64)} AND device IN {devices:Array(UInt64)}
