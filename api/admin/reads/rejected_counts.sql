-- Rejected events by project, source and reason.
SELECT toString(project), toString(source), toString(reason), count()
FROM rejected FINAL
GROUP BY project, source, reason
SETTINGS do_not_merge_across_partitions_select_final = 1
