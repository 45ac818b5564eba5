-- Sessions that start in [from, to), with what filters and breakdowns read of them as $session.NAME: the texts of
-- pipeline.domain.asked.SESSION_PROPERTIES, "" where there is no value.
-- id, device, the sender's own session id (where sessions are the sender's), started_at and last_at ms, the texts of
-- the properties in their order; of those that begin in one millisecond the one that goes on comes last
SELECT
    id,
    device,
    if({by_sender:UInt8}, sender_session, 0),
    toUnixTimestamp64Milli(started_at),
    toUnixTimestamp64Milli(last_at),
-- include session_texts
FROM sessions FINAL
WHERE project = {project:String}
    AND started_at >= fromUnixTimestamp64Milli({from:Int64}, 'UTC')
    AND started_at < fromUnixTimestamp64Milli({to:Int64}, 'UTC')
ORDER BY device, started_at, last_at
SETTINGS do_not_merge_across_partitions_select_final = 1
