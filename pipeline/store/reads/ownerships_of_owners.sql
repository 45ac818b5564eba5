-- The intervals in which some owners owned a device.
SELECT
    project, device, owned_from, owned_until, owner, known_from
FROM owners_by_owner FINAL
PREWHERE project = {project:String} AND owner IN {owners:Array(UInt64)}
ORDER BY device, owned_from
