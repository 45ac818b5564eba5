-- User ids and group ids of a customer, as sent.
SELECT
    arrayFilter(each -> each != '', groupUniqArray(100)(user_id)),
    arrayFilter(each -> each != '', groupUniqArray(100)(group_id))
FROM (
    SELECT user_id, group_id, device, toUnixTimestamp64Milli(occurred_at) AS at
    FROM events FINAL
    WHERE project = {project:String} AND (user_id != '' OR group_id != '') AND
-- include customer_devices
) AS e
-- include customer_owned
SETTINGS do_not_merge_across_partitions_select_final = 1
