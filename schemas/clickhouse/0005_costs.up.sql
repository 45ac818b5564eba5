-- What advertising cost, by day and campaign, as the networks' exports tell it.

CREATE TABLE IF NOT EXISTS costs (
    project LowCardinality(String) COMMENT 'project\'s name',
    day DateTime64(3, 'UTC') COMMENT 'midnight of the day, as if the zone of the network\'s account were UTC',
    network LowCardinality(String) COMMENT 'whose export told of it: google_ads, meta_ads, microsoft_ads, linkedin_ads, tiktok_ads',
    account LowCardinality(String) COMMENT 'the network\'s account, empty = the export names none',
    campaign String COMMENT 'name of the campaign',
    currency LowCardinality(String) COMMENT 'currency of the cost, ISO 4217',
    campaign_id String COMMENT 'the network\'s id of the campaign, empty = the export has none',
    source LowCardinality(String) COMMENT 'utm_source of the visits that the campaign brings',
    medium LowCardinality(String) COMMENT 'utm_medium of the visits that the campaign brings',
    impressions UInt64 COMMENT 'how often ads were shown',
    clicks UInt64 COMMENT 'clicks on ads',
    cost_micros Int64 COMMENT 'cost, millionths of the currency',
    version UInt64 COMMENT 'microseconds since 1970 of the import; the newest counts',
    is_deleted UInt8 COMMENT '1 = taken back'
)
ENGINE = ReplacingMergeTree(version, is_deleted)
ORDER BY (project, day, network, account, campaign, currency)
COMMENT 'What advertising cost, by day and campaign. Readers: question costs';
