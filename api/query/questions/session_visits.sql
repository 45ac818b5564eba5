-- As session_moments, with the few columns that tell an act and its page apart.
-- session's id, device, occurred_at ms, message id, sequence, event, type, path, is_passive, properties where `wide` asks for them
SELECT
    session.id,
    e.device,
    toUnixTimestamp64Milli(e.occurred_at),
    e.message_id,
    e.sequence,
    e.event,
    e.type,
    e.path,
    e.is_passive,
    if({wide:UInt8}, e.properties, '{}')
-- include events_of_sessions
ORDER BY session.id, e.occurred_at, e.sequence, e.message_id
SETTINGS do_not_merge_across_partitions_select_final = 1
