-- Random numbers that the ids of visitors without consent are made with, one a day. Nothing refers to them.
-- A Log keeps a row in one file, which TRUNCATE takes from the disk at once; parts of a MergeTree would stay for a while.

CREATE TABLE IF NOT EXISTS salts (
    day UInt32 COMMENT 'days since 1970 (UTC) of the day on which ids are made with it',
    made_at UInt64 COMMENT 'ms since 1970; of several of a day the first counts',
    salt String COMMENT '32 random bytes in base64, gone for good when the day is over'
)
ENGINE = StripeLog
COMMENT 'Salts of the day, for cookieless ids. Readers: collectors. In no backup';
