-- The sender's own session id of every session that began from `from` to `to`, both included.
SELECT id, sender_session
FROM sessions FINAL
WHERE project = {project:String}
    AND started_at BETWEEN fromUnixTimestamp64Milli({from:Int64}, 'UTC') AND fromUnixTimestamp64Milli({to:Int64}, 'UTC')
SETTINGS do_not_merge_across_partitions_select_final = 1
