RENAME TABLE IF EXISTS funnel_entries_before TO funnel_entries;
