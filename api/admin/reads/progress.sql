-- How far each agent is with the newest generation of the logs that it has read: the least received_at of its shards,
-- ms, how many shards have told, and when the last did, ms.
SELECT toString(agent), min(toUnixTimestamp64Milli(received_at)), count(), max(version)
FROM progress FINAL
WHERE (agent, intDiv(shard, 1024)) IN (SELECT agent, max(intDiv(shard, 1024)) FROM progress GROUP BY agent)
GROUP BY agent
