-- Entries into a saved funnel of five steps, as the agents would have kept them.
INSERT INTO funnel_entries (
    project, funnel, customer, entered_at, id, funnel_version, steps, step_times, step_messages, step_groups,
    version, is_deleted
)
SELECT
    'bench',
    'checkout',
    cityHash64('user', intDiv(number, 5)),
    fromUnixTimestamp64Milli(at, 'UTC'),
    noise,
    1,
    1 + multiIf(noise % 100 < 40, 0, noise % 100 < 70, 1, noise % 100 < 85, 2, noise % 100 < 94, 3, 4) AS filled,
    arrayMap(step -> if(step <= filled, at + (step - 1) * (bitShiftRight(noise, 40) % 1000000), 0), range(1, 6)),
    arrayMap(step -> if(step <= filled, cityHash64('message', noise, step), 0), range(1, 6)),
    [],
    1,
    0
FROM (
    SELECT number, cityHash64('entry', number) AS noise, {day:Int64} + bitShiftRight(noise, 20) % {span:Int64} AS at
    FROM numbers_mt({entries:UInt64})
)
SETTINGS min_insert_block_size_rows = 2000000, min_insert_block_size_bytes = 0, max_insert_threads = 2
