-- Names of some nodes of paths.
-- name, its hash
-- include paths_named
    AND node IN {keys:Array(UInt64)}
