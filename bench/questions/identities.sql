-- The customers of the e-mails.
INSERT INTO identities (project, identifier, customer, version, is_deleted)
SELECT 'bench', cityHash64('email', number), cityHash64('user', number), 1, 0
FROM numbers_mt({customers:UInt64})
WHERE number % 4 = 2
