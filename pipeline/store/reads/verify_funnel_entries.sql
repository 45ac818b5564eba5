-- Every stored row of funnel_entries in the scope, to be held against the core.
SELECT
    project, funnel, customer, toUnixTimestamp64Milli(entered_at), id, funnel_version,
    steps, step_times, step_messages, step_groups, before_at, after_at
FROM funnel_entries FINAL
WHERE project = {project:String} AND ({everything:Bool} OR customer IN {identifiers:Array(UInt64)})
