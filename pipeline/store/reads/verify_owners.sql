-- Every stored row of owners in the scope, to be held against the core.
SELECT
    project, device, owned_from, owned_until, owner, known_from
FROM owners FINAL
WHERE project = {project:String} AND ({everything:Bool} OR device IN {devices:Array(UInt64)})
