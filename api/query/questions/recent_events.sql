-- The newest events received in [from, to). Without FINAL, which would merge all of the project's events to show a few:
-- of the newest rows the latest version of each counts, so one written twice is shown once and a retracted one not.
-- device, message id, received_at ms, occurred_at ms, event, type, channel, source, acquisition, host, path, title,
-- country, is_bot, value micros, currency
SELECT
    device,
    message_id,
    toUnixTimestamp64Milli(received_at),
    toUnixTimestamp64Milli(occurred_at),
    toString(event),
    toString(type),
    toString(channel),
    toString(source),
    toString(acquisition),
    toString(host),
    path,
    title,
    toString(country),
    is_bot,
    value_micros,
    toString(currency)
FROM (
    SELECT *
    FROM (
        SELECT *
        FROM events
        WHERE project = {project:String}
            AND received_at >= fromUnixTimestamp64Milli({from:Int64}, 'UTC')
            AND received_at < fromUnixTimestamp64Milli({to:Int64}, 'UTC')
        ORDER BY received_at DESC, log_position DESC
        LIMIT {copies:UInt32}
    )
    ORDER BY version DESC
    LIMIT 1 BY device, occurred_at, message_id
)
WHERE NOT is_deleted
ORDER BY received_at DESC, log_position DESC
LIMIT {rows:UInt32}
