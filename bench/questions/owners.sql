-- Half of the customers are known: by a user id, half of those by an e-mail that belongs to one. One device in eleven is
-- another's second one; one in twenty-five goes to its neighbour in the middle of the time.
INSERT INTO owners (project, device, owned_from, owned_until, owner, known_from, version, is_deleted)
SELECT
    'bench',
    cityHash64('device', number),
    if(part = 0, -4611686018427387904, {middle:Int64}),
    if(part = 0 AND number % 25 = 0, {middle:Int64}, 4611686018427387904),
    if(part = 0,
        multiIf(number % 4 = 2, cityHash64('email', number % {customers:UInt64}),
                number % 2 = 0, cityHash64('user', number % {customers:UInt64}), cityHash64('device', number)),
        cityHash64('user', number % {customers:UInt64} + 4)),
    4611686018427387904,
    1,
    0
FROM numbers_mt({devices:UInt64})
ARRAY JOIN if(number % 25 = 0, [0, 1], [0]) AS part
