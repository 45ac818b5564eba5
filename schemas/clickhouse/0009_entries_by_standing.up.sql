-- Entries into saved funnels by what they may count as: a question about the time up to now reads those that nobody
-- comes further after alone, and numbers instead of arrays.

CREATE TABLE IF NOT EXISTS funnel_entries (
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
    standing UInt8 MATERIALIZED multiIf(after_at = 0, 3, after_at < 4611686018427387904, 0, before_at > -4611686018427387904, 1, 2) COMMENT '0 = one after it comes further, 1 = one before it comes as far and none after it further, 2 = neither, 3 = not looked up',
    week Int64 MATERIALIZED intDiv(toUnixTimestamp64Milli(entered_at), 604800000) COMMENT 'number of the seven days of its first step, since 1970',
    took_2 UInt32 MATERIALIZED if(step_times[2] = 0, 4294967295, step_times[2] - step_times[1]) COMMENT 'ms from the first step to the second, 2^32 - 1 = not filled; of windows of less than 49 days',
    took_3 UInt32 MATERIALIZED if(step_times[3] = 0, 4294967295, step_times[3] - step_times[1]) COMMENT 'to the third',
    took_4 UInt32 MATERIALIZED if(step_times[4] = 0, 4294967295, step_times[4] - step_times[1]) COMMENT 'to the fourth',
    took_5 UInt32 MATERIALIZED if(step_times[5] = 0, 4294967295, step_times[5] - step_times[1]) COMMENT 'to the fifth',
    took_6 UInt32 MATERIALIZED if(step_times[6] = 0, 4294967295, step_times[6] - step_times[1]) COMMENT 'to the sixth',
    version UInt64 COMMENT 'term of the writer << 40 | its counter: the greatest counts',
    is_deleted UInt8 COMMENT '1 = retracted'
)
ENGINE = ReplacingMergeTree(version, is_deleted)
PARTITION BY toYYYYMM(entered_at)
ORDER BY (project, funnel, standing, week, customer, entered_at, id)
SETTINGS index_granularity = 1024
COMMENT 'Entries into saved funnels. Readers: questions by funnel, the journeys agent by customer';

INSERT INTO funnel_entries (
    project, funnel, customer, entered_at, id, funnel_version, steps, step_times, step_messages, step_groups,
    before_at, after_at, version, is_deleted
)
SELECT
    project, funnel, customer, entered_at, id, funnel_version, steps, step_times, step_messages, step_groups,
    before_at, after_at, version, is_deleted
FROM funnel_entries_before FINAL
SETTINGS max_partitions_per_insert_block = 0;
