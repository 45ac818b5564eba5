CREATE TABLE IF NOT EXISTS migrations (
    number UInt32 COMMENT 'number of the migration',
    name String COMMENT 'its name',
    changed_at DateTime64(3, 'UTC') COMMENT 'when it was applied or taken back',
    is_applied UInt8 COMMENT '0 = taken back',
    version UInt64 COMMENT 'grows with every change: the greatest counts'
)
ENGINE = ReplacingMergeTree(version)
ORDER BY number
COMMENT 'Migrations of this database. Reader: migrate'
