-- The claims of an agent, and whether the rows that came late before them have been swept up.
SELECT shard, term, toUnixTimestamp64Milli(claimed_at), is_swept
FROM claims FINAL
WHERE agent = {agent:String}
