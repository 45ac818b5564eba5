-- Rows of timeline, of events, and how many are in one of them only.
SELECT
    countIf(copied), countIf(NOT copied),
    uniqExactIf(row, copied) + uniqExactIf(row, NOT copied) - 2 * (uniqExactIf(row, copied) + uniqExactIf(row, NOT copied) - uniqExact(row))
FROM
(
    SELECT true AS copied, cityHash64(project, device, occurred_at, message_id, sequence, log_position, event, type, channel, user, email, phone, vendors, is_bot, is_passive, new_session, sender_session, contact, engaged_ms, host, path, referrer_host, acquisition, utm_source, utm_medium, utm_campaign, click_id, country, region, city, browser, os, device_type, value_micros, currency, cost_micros, alias_of, source) AS row
    FROM timeline FINAL WHERE project = {project:String}
    UNION ALL
    SELECT false AS copied, cityHash64(project, device, occurred_at, message_id, sequence, log_position, event, type, channel, user, email, phone, vendors, is_bot, is_passive, new_session, sender_session, contact, engaged_ms, host, path, referrer_host, acquisition, utm_source, utm_medium, utm_campaign, click_id, country, region, city, browser, os, device_type, value_micros, currency, cost_micros, alias_of, source) AS row
    FROM events FINAL WHERE project = {project:String}
)
