-- How far history has been filled anew after a changed definition.

CREATE TABLE IF NOT EXISTS fills (
    project LowCardinality(String) COMMENT 'project\'s name',
    id UInt64 COMMENT 'when the definition was changed, UTC ms',
    agent LowCardinality(String) COMMENT 'sessions or journeys; empty = the row that begins the fill',
    shard UInt32 COMMENT 'partition of the agent\'s log; of the first row how many shards there are',
    notion LowCardinality(String) COMMENT 'what changed: goal.NAME, funnel.NAME, project or acquisition; of the first row only',
    from_version UInt32 COMMENT 'its version before, 0 = none; of the first row only',
    to_version UInt32 COMMENT 'its version from then on, 0 = taken back; of the first row only',
    done UInt64 COMMENT 'devices or customers of the shard that are as the new version says',
    total UInt64 COMMENT 'devices or customers of the shard that there were at the beginning',
    after UInt64 COMMENT 'the device or customer up to which all are done',
    is_done UInt8 COMMENT '1 = the shard has no more',
    version UInt64 COMMENT 'ms since 1970 of the writing'
)
ENGINE = ReplacingMergeTree(version)
ORDER BY (project, id, agent, shard)
COMMENT 'How far history has been filled anew. Readers: agents, and questions for the versions that they used';
