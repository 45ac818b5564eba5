-- A day of events: sessions [first, last) of five events each, a device's by fixed hashes; 81 % of them are the large
-- funnel's, 17 % the small one's. A twenty-fifth of the devices changes hands in the middle of the time.
INSERT INTO events (
    project, device, occurred_at, message_id, log_position, event, type, channel, user, is_passive, path, acquisition,
    utm_source, country, browser, os, device_type, source, received_at, properties, version, is_deleted, host
)
SELECT
    'bench',
    cityHash64('device', place),
    fromUnixTimestamp64Milli({day:Int64} + start + step * 20000 + noise % 15000, 'UTC') AS at,
    cityHash64('message', number),
    number,
    multiIf(
        share < 40, 'page', share < 60, 'product_viewed', share < 72, 'added_to_cart',
        share < 78, 'checkout_started', share < 81, 'purchase', share < 88, 'search', share < 92, 'filter_used',
        share < 95, 'wishlist', share < 97, 'share', share < 98, 'review', 'scroll'),
    if(share < 40, 'page', 'track'),
    'web',
    if(place % 2 = 0 AND noise % 20 = 0, cityHash64('user', place), 0),
    share >= 98,
    concat('/p/', toString(noise % 2000)),
    ['direct', 'organic_search', 'paid_search', 'email', 'referral'][1 + visit % 5] AS channel_group,
    if(visit % 5 = 2, 'google', ''),
    ['DE', 'FR', 'US', 'IN', 'BR', 'JP', 'GB', 'IT'][1 + place % 8],
    ['Chrome', 'Safari', 'Firefox'][1 + place % 3],
    ['Windows', 'iOS', 'Android', 'macOS'][1 + place % 4],
    ['desktop', 'mobile'][1 + place % 2],
    'site',
    at + INTERVAL 200 MILLISECOND,
    concat('{"plan":"', ['free', 'pro', 'team'][1 + place % 3], '","price":', toString(noise % 100), '}'),
    1,
    0,
    'shop.example'
FROM (
    SELECT
        number,
        number % 5 AS step,
        intDiv(number, 5) AS session,
        cityHash64('session', session) AS visit,
        visit % {devices:UInt64} AS place,
        bitShiftRight(visit, 20) % 86000000 AS start,
        cityHash64('event', number) AS noise,
        bitShiftRight(noise, 32) % 100 AS share
    FROM numbers_mt({first:UInt64} * 5, ({last:UInt64} - {first:UInt64}) * 5)
)
SETTINGS min_insert_block_size_rows = 2000000, min_insert_block_size_bytes = 0, max_insert_threads = 2
