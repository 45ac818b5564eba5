-- How many entries into a saved funnel are still of another version. Rows that have been replaced count among the
-- customers who are looked at, but not among the entries; where there are none nothing more is read.
SELECT countIf(funnel_version != {funnel_version:UInt32})
FROM funnel_entries FINAL
WHERE project = {project:String}
    AND funnel = {funnel:String}
    AND customer IN (
        SELECT customer
        FROM funnel_entries
        WHERE project = {project:String} AND funnel = {funnel:String} AND funnel_version != {funnel_version:UInt32}
    )
SETTINGS do_not_merge_across_partitions_select_final = 1
