CREATE TABLE IF NOT EXISTS funnel_entries_before (
    project LowCardinality(String) COMMENT 'project\'s name',
    funnel LowCardinality(String) COMMENT 'saved funnel\'s name',
    customer UInt64 COMMENT 'customer',
    entered_at DateTime64(3, 'UTC') COMMENT 'its first step',
    id UInt64 COMMENT 'hash of (funnel, entering event)',
    funnel_version UInt32 COMMENT 'funnel\'s version',
    steps UInt8 COMMENT 'steps filled',
    step_times Array(Int64) COMMENT 'time of each step, ms since 1970, 0 = not filled',
    step_messages Array(UInt64) COMMENT 'event that filled each step, 0 = not filled',
    step_groups Array(String) COMMENT 'value of the breakdown at each step',
    before_at Int64 COMMENT 'the customer\'s last entry before it that comes as far, ms since 1970; -2^62 = none, 0 = not looked up',
    after_at Int64 COMMENT 'the customer\'s first entry after it that comes further, ms since 1970; 2^62 = none, 0 = not looked up',
    version UInt64 COMMENT 'term of the writer << 40 | its counter: the greatest counts',
    is_deleted UInt8 COMMENT '1 = retracted'
)
ENGINE = ReplacingMergeTree(version, is_deleted)
PARTITION BY toYYYYMM(entered_at)
ORDER BY (project, funnel, customer, entered_at, id)
COMMENT 'Entries into saved funnels. Readers: questions by funnel, the journeys agent by customer';
