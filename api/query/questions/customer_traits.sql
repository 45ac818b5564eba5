-- Traits of a customer's newest identify calls, the newest first.
SELECT properties
FROM (
    SELECT properties, device, toUnixTimestamp64Milli(occurred_at) AS at, sequence, message_id
    FROM events FINAL
    WHERE project = {project:String} AND event = 'identify' AND type = 'identify' AND
-- include customer_devices
) AS e
-- include customer_owned
ORDER BY at DESC, sequence DESC, message_id DESC
LIMIT 200
SETTINGS do_not_merge_across_partitions_select_final = 1
