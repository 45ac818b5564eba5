-- Who owned some devices from when to when.
SELECT
    project, device, owned_from, owned_until, owner, known_from
FROM owners FINAL
PREWHERE project = {project:String} AND device IN {devices:Array(UInt64)}
ORDER BY device, owned_from
