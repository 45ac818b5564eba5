-- The time up to which the facts of every shard of a generation of the logs are written, ms; null while some shard has
-- never told.
SELECT if(count() < {shards:UInt32}, NULL, min(toUnixTimestamp64Milli(received_at)))
FROM progress FINAL
WHERE shard >= {first:UInt32} AND shard < {after:UInt32}
