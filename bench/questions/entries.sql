-- Entries into a saved funnel of five steps, five a customer, as the agents would have kept them.
INSERT INTO funnel_entries (
    project, funnel, customer, entered_at, id, funnel_version, steps, step_times, step_messages, step_groups,
    before_at, after_at, version, is_deleted
)
SELECT
    'bench',
    'checkout',
    cityHash64('user', number),
    fromUnixTimestamp64Milli(entry.1, 'UTC'),
    entry.3,
    1,
    entry.2 AS filled,
    arrayMap(step -> if(step <= filled, entry.1 + (step - 1) * (bitShiftRight(entry.3, 40) % 1000000), 0), range(1, 6)),
    arrayMap(step -> if(step <= filled, cityHash64('message', entry.3, step), 0), range(1, 6)),
    [],
    arrayMax(arrayMap(one -> if(one.1 < entry.1 AND one.2 >= filled, one.1, -4611686018427387904), entries)),
    arrayMin(arrayMap(one -> if(one.1 > entry.1 AND one.2 > filled, one.1, 4611686018427387904), entries)),
    1,
    0
FROM (
    SELECT
        number,
        arrayMap(
            noise -> (
                toInt64({day:Int64} + bitShiftRight(noise, 20) % {span:Int64}),
                toUInt8(1 + multiIf(noise % 100 < 40, 0, noise % 100 < 70, 1, noise % 100 < 85, 2, noise % 100 < 94, 3, 4)),
                noise
            ),
            arrayMap(each -> cityHash64('entry', each), range(number * 5, number * 5 + 5))
        ) AS entries
    FROM numbers_mt(intDiv({entries:UInt64}, 5))
)
ARRAY JOIN entries AS entry
SETTINGS min_insert_block_size_rows = 2000000, min_insert_block_size_bytes = 0, max_insert_threads = 2
