-- The greatest term of an agent, over all shards.
SELECT max(term)
FROM claims
WHERE agent = {agent:String}
