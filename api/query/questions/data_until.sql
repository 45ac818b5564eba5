-- The time up to which the facts of every shard are written, ms; null while no agent has written any.
SELECT if(count() = 0, NULL, min(toUnixTimestamp64Milli(received_at))) FROM progress FINAL
