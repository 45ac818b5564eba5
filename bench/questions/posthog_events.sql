-- The same events of a day for PostHog's table.
INSERT INTO posthog_events
SELECT
    reinterpret(sipHash128('event', number), 'UUID'),
    multiIf(
        share < 40, 'page', share < 60, 'product_viewed', share < 72, 'added_to_cart',
        share < 78, 'checkout_started', share < 81, 'purchase', share < 88, 'search', share < 92, 'filter_used',
        share < 95, 'wishlist', share < 97, 'share', share < 98, 'review', 'scroll'),
    concat('{"plan":"', ['free', 'pro', 'team'][1 + place % 3], '","price":', toString(noise % 100),
           ',"$session_id":"', toString(visit), '","acquisition":"',
           ['direct', 'organic_search', 'paid_search', 'email', 'referral'][1 + visit % 5], '"}'),
    fromUnixTimestamp64Milli({day:Int64} + start + step * 20000 + noise % 15000, 'UTC') AS at,
    1,
    hex(sipHash128('device', place)),
    at,
    reinterpret(sipHash128('person', if(place % 2 = 0, place % {customers:UInt64}, place)), 'UUID'),
    toDateTime(at)
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
