-- Projects whose history is being filled anew: the least share of what is done, of all fills with shards that go on.
SELECT project, min(if(total = 0, 0, least(done / total, 1)))
FROM (
    SELECT
        project,
        id,
        anyIf(shard, agent = '') AS shards,
        countIf(agent != '' AND is_done) AS ended,
        sumIf(done, agent != '') AS done,
        sumIf(total, agent != '') AS total
    FROM fills FINAL
    GROUP BY project, id
    HAVING countIf(agent = '') > 0 AND ended < shards
)
GROUP BY project
