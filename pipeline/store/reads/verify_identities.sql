-- Every stored row of identities in the scope, to be held against the core.
SELECT
    project, identifier, customer
FROM identities FINAL
WHERE project = {project:String} AND ({everything:Bool} OR identifier IN {identifiers:Array(UInt64)})
