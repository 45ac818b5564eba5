-- Events on one page in [from, to) with the session that holds each, in order.
-- session's id, device, occurred_at ms, message id, sequence, event, type, path, is_passive, properties
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
    e.properties
-- include events_of_sessions
    AND e.path = {page:String}
ORDER BY session.id, e.occurred_at, e.sequence, e.message_id
SETTINGS do_not_merge_across_partitions_select_final = 1
