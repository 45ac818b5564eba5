-- Sessions with a view that start in [from, to) and how many of them bounced by one named definition, in total
-- (is_total = 1), by period, by fields of their entry and by the kind of their customer
-- (api/query/questions/session_values.py). A session without a view is counted apart: no rate.
-- `narrow` 1: of the customers `only`; 2: of all others.
-- is_total, period, fields, kind, sessions, sessions with a view, bounced
SELECT
    grouping(period) AS is_total,
    period,
    fields,
    transform(
        if(joined.customer = 0, owner, joined.customer), {kind_of:Array(UInt64)}, {kinds:Array(UInt32)}, toUInt32(0)
    ) AS kind,
    count(),
    countIf(bounced IS NOT NULL),
    countIf(bounced = 1)
FROM (
    WITH toDateTime(started_at, {zone:String}) AS zoned
    SELECT
        owner,
-- include period
        multiIf(
            {definition:String} = 'engaged', bounced_engaged,
            {definition:String} = 'no_interaction', bounced_no_interaction,
            {definition:String} = 'single_page', bounced_single_page,
            {definition:String} = 'single_event', bounced_single_event,
            NULL) AS bounced,
-- include session_fields
    FROM sessions FINAL
    WHERE project = {project:String}
        AND started_at >= fromUnixTimestamp64Milli({from:Int64}, 'UTC')
        AND started_at < fromUnixTimestamp64Milli({to:Int64}, 'UTC')
        AND ({bots:UInt8} OR NOT is_bot)
-- include session_chosen
        AND (NOT {narrow:UInt8} OR (owner IN (
            SELECT identifier
            FROM identities FINAL
            WHERE {narrow:UInt8} != 0 AND project = {project:String} AND customer IN {only:Array(UInt64)}
            UNION ALL
            SELECT arrayJoin({only:Array(UInt64)})
        )) = ({narrow:UInt8} = 1))
) AS asked
LEFT JOIN (
    SELECT identifier, customer FROM identities FINAL WHERE {by_customer:UInt8} AND project = {project:String}
) AS joined ON joined.identifier = asked.owner
GROUP BY GROUPING SETS ((), (period, fields, kind))
ORDER BY is_total DESC, count() DESC, fields, kind, period
LIMIT {rows:UInt32}
SETTINGS do_not_merge_across_partitions_select_final = 1
