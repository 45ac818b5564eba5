-- As session_events, without the many columns that only filters and breakdowns by a $column need.
-- session's id, device, occurred_at ms, message id, sequence, event, properties where `wide` asks for them
SELECT
    session.id,
    e.device,
    toUnixTimestamp64Milli(e.occurred_at),
    e.message_id,
    e.sequence,
    e.event,
    if({wide:UInt8}, e.properties, '{}')
-- include events_of_sessions
ORDER BY session.id, e.occurred_at, e.sequence, e.message_id
SETTINGS do_not_merge_across_partitions_select_final = 1
