-- What a customer's sessions amount to: sessions, views, engaged ms.
SELECT count(), sum(views), sum(engaged_ms)
FROM sessions FINAL
WHERE project = {project:String} AND owner IN {owners:Array(UInt64)} AND
-- include customer_devices
SETTINGS do_not_merge_across_partitions_select_final = 1
