-- A customer's events: those of his devices while one of his identifiers owned them, the newest first, from before one.
-- Columns: device, occurred_at ms, sequence, message id, event, type, channel, host, path, acquisition, campaign,
-- contact, is_bot, value micros, currency, the sender's own session
SELECT
    device,
    at,
    sequence,
    message_id,
    toString(event),
    toString(type),
    toString(channel),
    toString(host),
    path,
    toString(acquisition),
    toString(utm_campaign),
    toString(contact),
    is_bot,
    value_micros,
    toString(currency),
    sender_session
FROM (
    SELECT *, toUnixTimestamp64Milli(occurred_at) AS at
    FROM timeline FINAL
    WHERE project = {project:String}
        AND occurred_at <= fromUnixTimestamp64Milli({before:Int64}, 'UTC')
        AND (toUnixTimestamp64Milli(occurred_at), sequence, message_id, device)
            < ({before:Int64}, {before_sequence:UInt64}, {before_message:UInt64}, {before_device:UInt64})
        AND
-- include customer_devices
) AS e
-- include customer_owned
ORDER BY at DESC, sequence DESC, message_id DESC, device DESC
LIMIT {rows:UInt32}
SETTINGS do_not_merge_across_partitions_select_final = 1
