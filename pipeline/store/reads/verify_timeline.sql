-- Rows of timeline, of events, how many are in one of them only, and some of those. Where `rows` are named: of these alone.
SELECT countIf(in_copy), countIf(in_table), countIf(in_copy != in_table), groupArrayIf(1000)(row, in_copy != in_table)
FROM
(
    SELECT row, max(copied) AS in_copy, max(NOT copied) AS in_table
    FROM
    (
        SELECT true AS copied, cityHash64(project, device, occurred_at, message_id, sequence, log_position, event, type, channel, user, email, phone, vendors, is_bot, is_passive, new_session, sender_session, contact, engaged_ms, host, path, referrer_host, acquisition, utm_source, utm_medium, utm_campaign, click_id, country, region, city, browser, os, device_type, value_micros, currency, cost_micros, alias_of, source) AS row
        FROM timeline FINAL WHERE project = {project:String}
        UNION ALL
        SELECT false AS copied, cityHash64(project, device, occurred_at, message_id, sequence, log_position, event, type, channel, user, email, phone, vendors, is_bot, is_passive, new_session, sender_session, contact, engaged_ms, host, path, referrer_host, acquisition, utm_source, utm_medium, utm_campaign, click_id, country, region, city, browser, os, device_type, value_micros, currency, cost_micros, alias_of, source) AS row
        FROM events FINAL WHERE project = {project:String}
    )
    WHERE empty({rows:Array(UInt64)}) OR has({rows:Array(UInt64)}, row)
    GROUP BY row
)
