-- How far the agents have followed a saved funnel.
-- version, entries, customers, entries by steps filled, first and last entered_at ms
SELECT
    funnel_version,
    count(),
    uniqExact(customer),
    arrayMap(step -> countEqual(groupArray(steps), step), range(1, 33)),
    min(toUnixTimestamp64Milli(entered_at)),
    max(toUnixTimestamp64Milli(entered_at))
FROM funnel_entries FINAL
WHERE project = {project:String} AND funnel = {funnel:String}
GROUP BY funnel_version
ORDER BY funnel_version
SETTINGS do_not_merge_across_partitions_select_final = 1
