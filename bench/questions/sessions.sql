-- The sessions of a day's events, reckoned from the same hashes.
INSERT INTO sessions (
    project, device, started_at, id, owner, run_started_at, last_at, ends_at, channel, events, views, interactions,
    engaged_ms, entry_host, entry_path, exit_path, acquisition, utm_source, country, browser, os, device_type,
    is_bot, is_cut, sender_session, conversions, ends_journey, value_micros, version, is_deleted
)
SELECT
    'bench',
    cityHash64('device', place) AS device,
    fromUnixTimestamp64Milli({day:Int64} + start + cityHash64('event', session * 5) % 15000, 'UTC') AS began,
    cityHash64('id', session),
    multiIf(place % 4 = 2, cityHash64('email', place % {customers:UInt64}),
            place % 2 = 0, cityHash64('user', place % {customers:UInt64}), device),
    began,
    fromUnixTimestamp64Milli({day:Int64} + start + 80000 + cityHash64('event', session * 5 + 4) % 15000, 'UTC') AS ended,
    ended + INTERVAL 30 MINUTE,
    'web',
    5,
    visit % 4,
    1 + visit % 3,
    visit % 60000,
    'shop.example',
    concat('/p/', toString(cityHash64('event', session * 5) % 2000)),
    concat('/p/', toString(cityHash64('event', session * 5 + 4) % 2000)),
    ['direct', 'organic_search', 'paid_search', 'email', 'referral'][1 + visit % 5],
    if(visit % 5 = 2, 'google', ''),
    ['DE', 'FR', 'US', 'IN', 'BR', 'JP', 'GB', 'IT'][1 + place % 8],
    ['Chrome', 'Safari', 'Firefox'][1 + place % 3],
    ['Windows', 'iOS', 'Android', 'macOS'][1 + place % 4],
    ['desktop', 'mobile'][1 + place % 2],
    0, 0, 0, visit % 50 = 0, 0, 0, 1, 0
FROM (
    SELECT
        number AS session,
        cityHash64('session', session) AS visit,
        visit % {devices:UInt64} AS place,
        bitShiftRight(visit, 20) % 86000000 AS start
    FROM numbers_mt({first:UInt64}, {last:UInt64} - {first:UInt64})
)
SETTINGS min_insert_block_size_rows = 2000000, min_insert_block_size_bytes = 0, max_insert_threads = 2
