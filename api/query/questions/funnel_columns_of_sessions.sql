-- Events that a funnel looks at, session by session, as funnel_columns.sql has them by customer.
-- session's id, ms, what it can do as bits, whether it is passive, message id, hash of the breakdown's value
SELECT
    session.id AS id,
-- include funnel_columns_read
-- include events_of_sessions
-- each filter funnel_filter
ORDER BY
    id,
    e.occurred_at,
    transform(e.event, {names:Array(String)}, {ranks:Array(UInt64)}, {other_rank:UInt64}),
    e.sequence,
    e.message_id,
    e.device
SETTINGS do_not_merge_across_partitions_select_final = 1
