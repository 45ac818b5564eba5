-- How many events a customer has, and the first and last of them, ms.
SELECT count(), min(at), max(at)
FROM (
    SELECT device, toUnixTimestamp64Milli(occurred_at) AS at
    FROM timeline FINAL
    WHERE project = {project:String} AND
-- include customer_devices
) AS e
-- include customer_owned
SETTINGS do_not_merge_across_partitions_select_final = 1
