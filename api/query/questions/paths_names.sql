-- Names of some nodes of paths. Once each has its name nothing more is read.
-- name, its hash
-- include paths_named
    AND node IN {keys:Array(UInt64)}
LIMIT {many:UInt64}
