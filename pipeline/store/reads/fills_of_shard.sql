-- How far some fills of a project have come in one shard of an agent.
SELECT id, after, done, is_done, total, version
FROM fills FINAL
WHERE project = {project:String} AND agent = {agent:String} AND shard = {shard:UInt32} AND id IN {fills:Array(UInt64)}
