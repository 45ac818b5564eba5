-- The customers of some identifiers, where they are others.
SELECT
    project, identifier, customer
FROM identities FINAL
PREWHERE project = {project:String} AND identifier IN {identifiers:Array(UInt64)}
