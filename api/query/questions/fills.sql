-- Every fill of a project: what changed, its shards and how many of them have no more to do, what is done and what
-- there was, and when a shard told last.
SELECT
    id,
    anyIf(notion, agent = ''),
    anyIf(from_version, agent = ''),
    anyIf(to_version, agent = ''),
    anyIf(shard, agent = ''),
    countIf(agent != '' AND is_done),
    sumIf(done, agent != ''),
    sumIf(total, agent != ''),
    max(version)
FROM fills FINAL
WHERE project = {project:String}
GROUP BY id
HAVING countIf(agent = '') > 0
ORDER BY id
