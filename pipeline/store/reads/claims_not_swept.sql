-- When the earliest claim of a shard was made whose sweep is not recorded as done.
SELECT toUnixTimestamp64Milli(min(claimed_at))
FROM claims FINAL
WHERE agent = {agent:String} AND shard = {shard:UInt32} AND is_swept = 0
