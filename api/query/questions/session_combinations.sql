-- The different combinations of what filters read of the sessions that start in [from, to).
-- a number for the combination, the texts of the properties in their order
SELECT cityHash64(texts), any(texts)
FROM (
    SELECT
-- include session_texts
        AS texts
    FROM sessions FINAL
    WHERE project = {project:String}
        AND started_at >= fromUnixTimestamp64Milli({from:Int64}, 'UTC')
        AND started_at < fromUnixTimestamp64Milli({to:Int64}, 'UTC')
        AND ({bots:UInt8} OR NOT is_bot)
)
GROUP BY cityHash64(texts)
SETTINGS do_not_merge_across_partitions_select_final = 1
