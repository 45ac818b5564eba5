-- Every version of one definition, oldest first.
SELECT version, toUnixTimestamp64Milli(created_at), is_deleted, body
FROM definitions FINAL
WHERE project = {project:String} AND kind = {kind:String} AND name = {name:String}
ORDER BY version
