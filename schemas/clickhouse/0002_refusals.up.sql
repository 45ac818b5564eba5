-- Pairs of identifiers that do not count, and why. Rows are laid out like RefusedPair of schemas/facts.py.

CREATE TABLE IF NOT EXISTS refusals (
    project LowCardinality(String) COMMENT 'project\'s name',
    identifier UInt64 COMMENT 'one identifier; every refusal is stored in both directions',
    other UInt64 COMMENT 'the other identifier',
    device UInt64 COMMENT 'device that gave the earliest evidence',
    evidence_at DateTime64(3, 'UTC') COMMENT 'time of the evidence',
    evidence_sequence UInt32 COMMENT 'its event\'s client counter',
    evidence_message UInt64 COMMENT 'its event\'s message id',
    evidence_rank UInt8 COMMENT 'order of pairs inside one event: user-email, user-phone, user-vendor, email-phone ...',
    kind LowCardinality(String) COMMENT 'together, login, alias or claim (a rename by an untrusted source)',
    source LowCardinality(String) COMMENT 'source that sent the evidence',
    reason LowCardinality(String) COMMENT 'two_users: it would join two known users; split or ignored: by an operator\'s decision; shared: an identifier of too many users; untrusted: a rename that an untrusted source told',
    decision UInt64 COMMENT 'id of the operator\'s decision, 0 = none',
    version UInt64 COMMENT 'term of the writer << 40 | its counter: the greatest counts',
    is_deleted UInt8 COMMENT '1 = retracted'
)
ENGINE = ReplacingMergeTree(version, is_deleted)
ORDER BY (project, identifier, other)
SETTINGS index_granularity = 256
COMMENT 'Evidence that joins nobody, and why. Readers: the identity agent and questions, by identifier';
