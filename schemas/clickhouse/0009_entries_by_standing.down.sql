CREATE TABLE IF NOT EXISTS funnel_entries AS funnel_entries_before;

INSERT INTO funnel_entries_before (
    project, funnel, customer, entered_at, id, funnel_version, steps, step_times, step_messages, step_groups,
    before_at, after_at, version, is_deleted
)
SELECT
    project, funnel, customer, entered_at, id, funnel_version, steps, step_times, step_messages, step_groups,
    before_at, after_at, version, is_deleted
FROM funnel_entries FINAL
SETTINGS max_partitions_per_insert_block = 0;

DROP TABLE IF EXISTS funnel_entries;
