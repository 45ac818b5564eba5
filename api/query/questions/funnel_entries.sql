-- Entries into a saved funnel that begin in [from, to), customer by customer.
-- customer, entered_at ms, furthest step; of each step its time ms, event and value of the breakdown
SELECT
    customer,
    toUnixTimestamp64Milli(entered_at),
    steps,
    step_times,
    step_messages,
    step_groups
-- include funnel_entries_of_range
ORDER BY customer
SETTINGS do_not_merge_across_partitions_select_final = 1
