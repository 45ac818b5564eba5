-- The stored entries of some customers into saved funnels.
SELECT
    project, funnel, customer, toUnixTimestamp64Milli(entered_at), id, funnel_version,
    steps, step_times, step_messages, step_groups, before_at, after_at
FROM funnel_entries FINAL
PREWHERE project = {project:String} AND customer IN {customers:Array(UInt64)}
