-- The fact tables. A fact is an upsert: the greatest version of a key counts, is_deleted retracts it.
-- Rows are laid out like the structs of schemas/facts.py.

CREATE TABLE IF NOT EXISTS events (
    project LowCardinality(String) COMMENT 'project\'s name',
    device UInt64 COMMENT 'identifier of the device key (anonymous id, else the event\'s best identifier)',
    occurred_at DateTime64(3, 'UTC') COMMENT 'when it happened, by the client\'s clock corrected with the sender\'s',
    message_id UInt64 COMMENT 'hash of the message id; of the content where the client sent none',
    sequence UInt32 COMMENT 'the client\'s own counter, 0 where it has none',
    log_position UInt64 COMMENT 'generation, partition, offset and index of the copy that counts',
    event LowCardinality(String) COMMENT 'name of a track call, else the call\'s type',
    type LowCardinality(String) COMMENT 'track, page, screen, identify, group or alias',
    channel LowCardinality(String) COMMENT 'where the contact took place: web, app, email, sms, push, call, chat, store ...',
    user UInt64 COMMENT 'identifier of the user id, 0 = none',
    email UInt64 COMMENT 'identifier of the e-mail\'s SHA-256, 0 = none',
    phone UInt64 COMMENT 'identifier of the phone number\'s SHA-256, 0 = none',
    vendors Array(UInt64) COMMENT 'identifiers that vendors gave',
    is_bot Bool COMMENT 'the user agent is a known bot\'s',
    is_passive Bool COMMENT 'heartbeat, leave, vitals, scroll or a server\'s event: never begins a session after a gap',
    new_session Bool COMMENT 'the sender asked for a new session',
    sender_session UInt64 COMMENT 'hash of the sender\'s own session id, 0 = none',
    contact LowCardinality(String) COMMENT 'exposure, engagement, conversion or service: a touchpoint of its own; empty = none',
    engaged_ms UInt32 COMMENT 'foreground time that a heartbeat reports, ms',
    host LowCardinality(String) COMMENT 'page\'s host',
    path String COMMENT 'page\'s path',
    referrer_host LowCardinality(String) COMMENT 'referrer\'s host',
    acquisition LowCardinality(String) COMMENT 'what brought the visit about: the default channel group',
    utm_source LowCardinality(String) COMMENT 'campaign\'s source',
    utm_medium LowCardinality(String) COMMENT 'campaign\'s medium',
    utm_campaign LowCardinality(String) COMMENT 'campaign\'s name',
    click_id LowCardinality(String) COMMENT 'name of the click id\'s parameter, never its value',
    country LowCardinality(String) COMMENT 'ISO code of the country',
    region LowCardinality(String) COMMENT 'region',
    city LowCardinality(String) COMMENT 'city',
    browser LowCardinality(String) COMMENT 'browser\'s family',
    os LowCardinality(String) COMMENT 'operating system\'s family',
    device_type LowCardinality(String) COMMENT 'desktop, mobile, tablet, tv, bot or other',
    value_micros Int64 COMMENT 'value in millionths of the currency\'s unit',
    currency LowCardinality(String) COMMENT 'ISO code of the value\'s currency',
    cost_micros Int64 COMMENT 'what the contact cost, in millionths of the project\'s currency',
    alias_of UInt64 COMMENT 'user identifier that an alias call of a trusted source renames to `user`, 0 = none',
    source LowCardinality(String) COMMENT 'name of the source whose key sent it',
    received_at DateTime64(3, 'UTC') COMMENT 'when the collector had it',
    device_id String COMMENT 'anonymous id as sent',
    user_id String COMMENT 'user id as sent',
    group_id String COMMENT 'account (group) id as sent',
    original_timestamp String COMMENT 'the client\'s timestamp where occurred_at is not simply it',
    time_source LowCardinality(String) COMMENT 'why: clock_skew, future, missing or unreadable; empty = the client\'s own timestamp',
    url String COMMENT 'page\'s address without its fragment',
    title String COMMENT 'page\'s title',
    referrer String COMMENT 'referrer\'s address',
    is_trusted Bool COMMENT 'sent by a server, a vendor or an import',
    properties String COMMENT 'properties and traits, a JSON object',
    version UInt64 COMMENT 'term of the writer << 40 | its counter: the greatest counts',
    is_deleted UInt8 COMMENT '1 = retracted'
)
ENGINE = ReplacingMergeTree(version, is_deleted)
PARTITION BY toMonday(occurred_at)
ORDER BY (project, event, device, occurred_at, message_id)
COMMENT 'Accepted events. Readers: questions, by event and time';

CREATE TABLE IF NOT EXISTS timeline (
    project LowCardinality(String) COMMENT 'project\'s name',
    device UInt64 COMMENT 'identifier of the device key (anonymous id, else the event\'s best identifier)',
    occurred_at DateTime64(3, 'UTC') COMMENT 'when it happened, by the client\'s clock corrected with the sender\'s',
    message_id UInt64 COMMENT 'hash of the message id; of the content where the client sent none',
    sequence UInt32 COMMENT 'the client\'s own counter, 0 where it has none',
    log_position UInt64 COMMENT 'generation, partition, offset and index of the copy that counts',
    event LowCardinality(String) COMMENT 'name of a track call, else the call\'s type',
    type LowCardinality(String) COMMENT 'track, page, screen, identify, group or alias',
    channel LowCardinality(String) COMMENT 'where the contact took place: web, app, email, sms, push, call, chat, store ...',
    user UInt64 COMMENT 'identifier of the user id, 0 = none',
    email UInt64 COMMENT 'identifier of the e-mail\'s SHA-256, 0 = none',
    phone UInt64 COMMENT 'identifier of the phone number\'s SHA-256, 0 = none',
    vendors Array(UInt64) COMMENT 'identifiers that vendors gave',
    is_bot Bool COMMENT 'the user agent is a known bot\'s',
    is_passive Bool COMMENT 'heartbeat, leave, vitals, scroll or a server\'s event: never begins a session after a gap',
    new_session Bool COMMENT 'the sender asked for a new session',
    sender_session UInt64 COMMENT 'hash of the sender\'s own session id, 0 = none',
    contact LowCardinality(String) COMMENT 'exposure, engagement, conversion or service: a touchpoint of its own; empty = none',
    engaged_ms UInt32 COMMENT 'foreground time that a heartbeat reports, ms',
    host LowCardinality(String) COMMENT 'page\'s host',
    path String COMMENT 'page\'s path',
    referrer_host LowCardinality(String) COMMENT 'referrer\'s host',
    acquisition LowCardinality(String) COMMENT 'what brought the visit about: the default channel group',
    utm_source LowCardinality(String) COMMENT 'campaign\'s source',
    utm_medium LowCardinality(String) COMMENT 'campaign\'s medium',
    utm_campaign LowCardinality(String) COMMENT 'campaign\'s name',
    click_id LowCardinality(String) COMMENT 'name of the click id\'s parameter, never its value',
    country LowCardinality(String) COMMENT 'ISO code of the country',
    region LowCardinality(String) COMMENT 'region',
    city LowCardinality(String) COMMENT 'city',
    browser LowCardinality(String) COMMENT 'browser\'s family',
    os LowCardinality(String) COMMENT 'operating system\'s family',
    device_type LowCardinality(String) COMMENT 'desktop, mobile, tablet, tv, bot or other',
    value_micros Int64 COMMENT 'value in millionths of the currency\'s unit',
    currency LowCardinality(String) COMMENT 'ISO code of the value\'s currency',
    cost_micros Int64 COMMENT 'what the contact cost, in millionths of the project\'s currency',
    alias_of UInt64 COMMENT 'user identifier that an alias call of a trusted source renames to `user`, 0 = none',
    source LowCardinality(String) COMMENT 'name of the source whose key sent it',
    version UInt64 COMMENT 'term of the writer << 40 | its counter: the greatest counts',
    is_deleted UInt8 COMMENT '1 = retracted'
)
ENGINE = ReplacingMergeTree(version, is_deleted)
PARTITION BY toYYYYMM(occurred_at)
ORDER BY (project, device, occurred_at, message_id)
SETTINGS index_granularity = 256
COMMENT 'Narrow copy of events by device and time. Reader: the sessions agent';

CREATE MATERIALIZED VIEW IF NOT EXISTS timeline_of_events TO timeline AS
SELECT
    project, device, occurred_at, message_id, sequence, log_position, event, type, channel, user, email, phone, vendors, is_bot, is_passive, new_session, sender_session, contact, engaged_ms, host, path, referrer_host, acquisition, utm_source, utm_medium, utm_campaign, click_id, country, region, city, browser, os, device_type, value_micros, currency, cost_micros, alias_of, source, version, is_deleted
FROM events;

CREATE TABLE IF NOT EXISTS sessions (
    project LowCardinality(String) COMMENT 'project\'s name',
    device UInt64 COMMENT 'device it took place on',
    started_at DateTime64(3, 'UTC') COMMENT 'its first event',
    id UInt64 COMMENT 'hash of (project, device, first event\'s id and time)',
    owner UInt64 COMMENT 'identifier of its owner: user, e-mail or the device itself',
    run_started_at DateTime64(3, 'UTC') COMMENT 'start of the run (chain of events without a long gap) that it is part of',
    last_at DateTime64(3, 'UTC') COMMENT 'its last event',
    ends_at DateTime64(3, 'UTC') COMMENT 'last_at and the gap: open until then',
    channel LowCardinality(String) COMMENT 'web, app or chat',
    is_bot Bool COMMENT 'its first event is a known bot\'s',
    is_cut Bool COMMENT 'its run was cut by the cap',
    sender_session UInt64 COMMENT 'hash of the sender\'s own session id, 0 = none',
    events UInt32 COMMENT 'events',
    views UInt32 COMMENT 'page and screen views',
    interactions UInt32 COMMENT 'track events that are not passive',
    conversions UInt32 COMMENT 'events that met a goal, once a goal',
    ends_journey Bool COMMENT 'holds a journey-ending conversion',
    engaged_ms UInt64 COMMENT 'foreground time, ms',
    value_micros Int64 COMMENT 'value of its conversions in millionths of the project\'s currency',
    entry_host LowCardinality(String) COMMENT 'host of the first page',
    entry_path String COMMENT 'path of the first page',
    exit_path String COMMENT 'path of the last page',
    referrer_host LowCardinality(String) COMMENT 'referrer\'s host at entry',
    acquisition LowCardinality(String) COMMENT 'what brought it about: the default channel group at entry',
    utm_source LowCardinality(String) COMMENT 'campaign\'s source at entry',
    utm_medium LowCardinality(String) COMMENT 'campaign\'s medium at entry',
    utm_campaign LowCardinality(String) COMMENT 'campaign\'s name at entry',
    click_id LowCardinality(String) COMMENT 'name of the click id\'s parameter at entry',
    country LowCardinality(String) COMMENT 'ISO code of the country at entry',
    region LowCardinality(String) COMMENT 'region at entry',
    city LowCardinality(String) COMMENT 'city at entry',
    browser LowCardinality(String) COMMENT 'browser\'s family',
    os LowCardinality(String) COMMENT 'operating system\'s family',
    device_type LowCardinality(String) COMMENT 'desktop, mobile, tablet, tv, bot or other',
    duration_ms Int64 ALIAS greatest(0, dateDiff('millisecond', started_at, last_at)) COMMENT 'from first to last event, ms',
    bounced_engaged Nullable(UInt8) ALIAS if(views = 0, NULL, NOT (engaged_ms >= 10000 OR conversions > 0 OR views >= 2)) COMMENT 'bounce `engaged`: neither 10 s engaged nor a conversion nor two views; null without a view',
    bounced_no_interaction Nullable(UInt8) ALIAS if(views = 0, NULL, views = 1 AND interactions = 0 AND duration_ms < 10000) COMMENT 'bounce `no_interaction`: one view, no interaction, under 10 s; null without a view',
    bounced_single_page Nullable(UInt8) ALIAS if(views = 0, NULL, views = 1 AND interactions = 0) COMMENT 'bounce `single_page`: one view and no interaction; null without a view',
    bounced_single_event Nullable(UInt8) ALIAS if(views = 0, NULL, events = 1) COMMENT 'bounce `single_event`: one event; null without a view',
    version UInt64 COMMENT 'term of the writer << 40 | its counter: the greatest counts',
    is_deleted UInt8 COMMENT '1 = retracted'
)
ENGINE = ReplacingMergeTree(version, is_deleted)
PARTITION BY toYYYYMM(started_at)
ORDER BY (project, device, started_at, id)
SETTINGS index_granularity = 256
COMMENT 'Sessions. Readers: questions by time, the sessions agent by device';

CREATE TABLE IF NOT EXISTS touchpoints (
    project LowCardinality(String) COMMENT 'project\'s name',
    device UInt64 COMMENT 'device key it took place on',
    started_at DateTime64(3, 'UTC') COMMENT 'its start',
    id UInt64 COMMENT 'session\'s id, or hash of the event',
    owner UInt64 COMMENT 'identifier of its owner',
    is_session Bool COMMENT 'a session, else one interaction on another channel',
    contact LowCardinality(String) COMMENT 'exposure, engagement, conversion or service',
    channel LowCardinality(String) COMMENT 'where the contact took place',
    acquisition LowCardinality(String) COMMENT 'of a session: its default channel group',
    utm_source LowCardinality(String) COMMENT 'campaign\'s source',
    utm_medium LowCardinality(String) COMMENT 'campaign\'s medium',
    utm_campaign LowCardinality(String) COMMENT 'campaign\'s name',
    event LowCardinality(String) COMMENT 'name of the event; empty for a session',
    is_bot Bool COMMENT 'a known bot\'s',
    conversions UInt32 COMMENT 'conversions in it',
    ends_journey Bool COMMENT 'holds a journey-ending conversion',
    value_micros Int64 COMMENT 'value of its conversions in millionths of the project\'s currency',
    cost_micros Int64 COMMENT 'its cost in millionths of the project\'s currency',
    version UInt64 COMMENT 'term of the writer << 40 | its counter: the greatest counts',
    is_deleted UInt8 COMMENT '1 = retracted'
)
ENGINE = ReplacingMergeTree(version, is_deleted)
PARTITION BY toYYYYMM(started_at)
ORDER BY (project, device, started_at, id)
SETTINGS index_granularity = 256
COMMENT 'Sessions and off-site interactions as journeys see them. Reader: the journeys agent, by device';

CREATE TABLE IF NOT EXISTS owners (
    project LowCardinality(String) COMMENT 'project\'s name',
    device UInt64 COMMENT 'device',
    owned_from Int64 COMMENT 'from when on, ms since 1970; the least number for the first row',
    owned_until Int64 COMMENT 'until when (exclusive), ms since 1970; the greatest number for the last row',
    owner UInt64 COMMENT 'identifier of the owner',
    known_from Int64 COMMENT 'first row of a device: when an owner was first named, ms; the greatest number = never',
    version UInt64 COMMENT 'term of the writer << 40 | its counter: the greatest counts',
    is_deleted UInt8 COMMENT '1 = retracted'
)
ENGINE = ReplacingMergeTree(version, is_deleted)
ORDER BY (project, device, owned_from)
SETTINGS index_granularity = 256
COMMENT 'Who owns a device from when to when. Readers: the sessions agent by device, questions by device';

CREATE TABLE IF NOT EXISTS owners_by_owner (
    project LowCardinality(String) COMMENT 'project\'s name',
    device UInt64 COMMENT 'device',
    owned_from Int64 COMMENT 'from when on, ms since 1970; the least number for the first row',
    owned_until Int64 COMMENT 'until when (exclusive), ms since 1970; the greatest number for the last row',
    owner UInt64 COMMENT 'identifier of the owner',
    known_from Int64 COMMENT 'first row of a device: when an owner was first named, ms; the greatest number = never',
    version UInt64 COMMENT 'term of the writer << 40 | its counter: the greatest counts',
    is_deleted UInt8 COMMENT '1 = retracted'
)
ENGINE = ReplacingMergeTree(version, is_deleted)
ORDER BY (project, owner, device, owned_from)
SETTINGS index_granularity = 256
COMMENT 'Copy of owners by owner, written first. Reader: the journeys agent';

CREATE TABLE IF NOT EXISTS pairs (
    project LowCardinality(String) COMMENT 'project\'s name',
    identifier UInt64 COMMENT 'one identifier; every pair is stored in both directions',
    other UInt64 COMMENT 'the other identifier',
    device UInt64 COMMENT 'device whose earliest evidence this is',
    evidence_at DateTime64(3, 'UTC') COMMENT 'time of the evidence',
    evidence_sequence UInt32 COMMENT 'its event\'s client counter',
    evidence_message UInt64 COMMENT 'its event\'s message id',
    evidence_rank UInt8 COMMENT 'order of pairs inside one event: user-email, user-phone, user-vendor, email-phone ...',
    kind LowCardinality(String) COMMENT 'together, login or alias',
    source LowCardinality(String) COMMENT 'source that sent the evidence',
    version UInt64 COMMENT 'term of the writer << 40 | its counter: the greatest counts',
    is_deleted UInt8 COMMENT '1 = retracted'
)
ENGINE = ReplacingMergeTree(version, is_deleted)
ORDER BY (project, identifier, other, device)
SETTINGS index_granularity = 256
COMMENT 'Evidence that identifiers belong together. Reader: the identity agent, by identifier';

CREATE TABLE IF NOT EXISTS identities (
    project LowCardinality(String) COMMENT 'project\'s name',
    identifier UInt64 COMMENT 'identifier',
    customer UInt64 COMMENT 'customer it belongs to, where that is not the identifier itself',
    version UInt64 COMMENT 'term of the writer << 40 | its counter: the greatest counts',
    is_deleted UInt8 COMMENT '1 = retracted'
)
ENGINE = ReplacingMergeTree(version, is_deleted)
ORDER BY (project, identifier)
SETTINGS index_granularity = 256
COMMENT 'Customer of an identifier, where it is another. Readers: agents and questions';

CREATE TABLE IF NOT EXISTS identities_by_customer (
    project LowCardinality(String) COMMENT 'project\'s name',
    identifier UInt64 COMMENT 'identifier',
    customer UInt64 COMMENT 'customer it belongs to, where that is not the identifier itself',
    version UInt64 COMMENT 'term of the writer << 40 | its counter: the greatest counts',
    is_deleted UInt8 COMMENT '1 = retracted'
)
ENGINE = ReplacingMergeTree(version, is_deleted)
ORDER BY (project, customer, identifier)
SETTINGS index_granularity = 256
COMMENT 'Copy of identities by customer, written first. Readers: agents and questions';

CREATE TABLE IF NOT EXISTS journeys (
    project LowCardinality(String) COMMENT 'project\'s name',
    customer UInt64 COMMENT 'customer',
    started_at DateTime64(3, 'UTC') COMMENT 'start of its first touchpoint',
    id UInt64 COMMENT 'hash of (project, first touchpoint\'s id)',
    last_at DateTime64(3, 'UTC') COMMENT 'start of its last touchpoint',
    touchpoints UInt32 COMMENT 'touchpoints',
    sessions UInt32 COMMENT 'touchpoints that are sessions',
    conversions UInt32 COMMENT 'conversions',
    is_converted Bool COMMENT 'its last touchpoint holds a journey-ending conversion',
    value_micros Int64 COMMENT 'value of its conversions, millionths of the project\'s currency',
    cost_micros Int64 COMMENT 'cost of its touchpoints, millionths of the project\'s currency',
    first_channel LowCardinality(String) COMMENT 'first element of path',
    last_channel LowCardinality(String) COMMENT 'last element of path',
    path Array(LowCardinality(String)) COMMENT 'acquisition of its sessions and channel of its other touchpoints, in order',
    stage LowCardinality(String) COMMENT 'visitor, lead, customer or returning',
    version UInt64 COMMENT 'term of the writer << 40 | its counter: the greatest counts',
    is_deleted UInt8 COMMENT '1 = retracted'
)
ENGINE = ReplacingMergeTree(version, is_deleted)
PARTITION BY toYYYYMM(started_at)
ORDER BY (project, customer, started_at, id)
SETTINGS index_granularity = 256
COMMENT 'Journeys. Readers: questions by time, the journeys agent by customer';

CREATE TABLE IF NOT EXISTS conversions (
    project LowCardinality(String) COMMENT 'project\'s name',
    customer UInt64 COMMENT 'customer',
    occurred_at DateTime64(3, 'UTC') COMMENT 'when the event happened',
    id UInt64 COMMENT 'hash of (event, goal)',
    goal LowCardinality(String) COMMENT 'goal\'s name',
    goal_version UInt32 COMMENT 'goal\'s version',
    kind LowCardinality(String) COMMENT 'lead, micro or macro',
    device UInt64 COMMENT 'device of the event',
    message_id UInt64 COMMENT 'event\'s message id',
    event LowCardinality(String) COMMENT 'event\'s name',
    value_micros Int64 COMMENT 'value, millionths of the currency\'s unit',
    currency LowCardinality(String) COMMENT 'ISO code',
    journey UInt64 COMMENT 'journey that holds it, 0 = none',
    version UInt64 COMMENT 'term of the writer << 40 | its counter: the greatest counts',
    is_deleted UInt8 COMMENT '1 = retracted'
)
ENGINE = ReplacingMergeTree(version, is_deleted)
PARTITION BY toYYYYMM(occurred_at)
ORDER BY (project, customer, occurred_at, id)
SETTINGS index_granularity = 256
COMMENT 'Events that met a goal. Readers: questions by time, the journeys agent by customer';

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
    version UInt64 COMMENT 'term of the writer << 40 | its counter: the greatest counts',
    is_deleted UInt8 COMMENT '1 = retracted'
)
ENGINE = ReplacingMergeTree(version, is_deleted)
PARTITION BY toYYYYMM(entered_at)
ORDER BY (project, funnel, customer, entered_at, id)
COMMENT 'Entries into saved funnels. Readers: questions by funnel, the journeys agent by customer';

CREATE TABLE IF NOT EXISTS rejected (
    project LowCardinality(String) COMMENT 'project\'s name',
    device UInt64 COMMENT 'device key, or hash of the payload',
    message_id UInt64 COMMENT 'hash of the message id, or of the payload',
    log_position UInt64 COMMENT 'where it stands in the log',
    received_at DateTime64(3, 'UTC') COMMENT 'when the collector had it',
    source LowCardinality(String) COMMENT 'source that sent it',
    reason LowCardinality(String) COMMENT 'one of a closed set',
    field String COMMENT 'the field at fault',
    message String COMMENT 'what is wrong and what would be right',
    payload String COMMENT 'the event as sent',
    version UInt64 COMMENT 'term of the writer << 40 | its counter: the greatest counts',
    is_deleted UInt8 COMMENT '1 = retracted'
)
ENGINE = ReplacingMergeTree(version, is_deleted)
PARTITION BY toYYYYMM(received_at)
ORDER BY (project, device, message_id, log_position)
COMMENT 'What could not be used, and why. Readers: questions by time, the sessions agent by device, replay';

CREATE TABLE IF NOT EXISTS definitions (
    project LowCardinality(String) COMMENT 'project\'s name; empty for what belongs to none',
    kind LowCardinality(String) COMMENT 'project, key, goal, funnel, segment',
    name String COMMENT 'its name',
    version UInt64 COMMENT 'its version, counted from 1',
    body String COMMENT 'JSON',
    created_at DateTime64(3, 'UTC') COMMENT 'when it was saved',
    is_deleted UInt8 COMMENT '1 = taken back with this version'
)
ENGINE = ReplacingMergeTree
ORDER BY (project, kind, name, version)
COMMENT 'Projects, keys, goals and funnels, every version';

CREATE TABLE IF NOT EXISTS claims (
    agent LowCardinality(String) COMMENT 'sessions, journeys or identity',
    shard UInt32 COMMENT 'partition of the agent\'s log',
    term UInt64 COMMENT 'greater than every term of the agent before',
    claimed_at DateTime64(3, 'UTC') COMMENT 'when the owner took the shard',
    worker String COMMENT 'who',
    is_swept UInt8 COMMENT 'older terms\' late rows have been restitched',
    version UInt64 COMMENT '1 = claimed, 2 = swept'
)
ENGINE = ReplacingMergeTree(version)
ORDER BY (agent, shard, term)
COMMENT 'Which worker writes a shard\'s facts from when on';

CREATE TABLE IF NOT EXISTS progress (
    agent LowCardinality(String) COMMENT 'sessions, journeys or identity',
    shard UInt32 COMMENT 'partition of the agent\'s log',
    received_at DateTime64(3, 'UTC') COMMENT 'up to which all facts are written',
    version UInt64 COMMENT 'received_at, ms since 1970: the greatest counts'
)
ENGINE = ReplacingMergeTree(version)
ORDER BY (agent, shard)
COMMENT 'Up to which received_at all facts of a shard are written';
