-- How far each agent is: the least received_at of its shards, ms, how many shards have told, and when the last did, ms.
SELECT toString(agent), min(toUnixTimestamp64Milli(received_at)), count(), max(version)
FROM progress FINAL
GROUP BY agent
