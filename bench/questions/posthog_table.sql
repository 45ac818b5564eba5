-- PostHog's table of events (posthog/models/event/sql.py): its engine, partitions, order, and the columns that its
-- funnel reads; a person's id is on each event, so no look-up of persons is counted.
CREATE TABLE IF NOT EXISTS posthog_events (
    uuid UUID,
    event String,
    properties String CODEC(ZSTD(3)),
    timestamp DateTime64(6, 'UTC'),
    team_id Int64,
    distinct_id String,
    created_at DateTime64(6, 'UTC'),
    person_id UUID,
    _timestamp DateTime
)
ENGINE = ReplacingMergeTree(_timestamp)
PARTITION BY toYYYYMM(timestamp)
ORDER BY (team_id, toDate(timestamp), event, cityHash64(distinct_id), cityHash64(uuid))
SAMPLE BY cityHash64(distinct_id)
