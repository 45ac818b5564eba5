DROP TABLE IF EXISTS funnel_entries_before;
