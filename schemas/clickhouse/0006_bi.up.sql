-- The views that BI tools read, in a database of their own: `bi`, or `bi_NAME` where the tables are in database NAME.
-- Names and columns are a promise: later versions add to them and take nothing away. A reader needs no right on what the
-- views read from: they are carried out with the rights of who made them.

CREATE DATABASE IF NOT EXISTS {bi:Identifier};

CREATE OR REPLACE VIEW {bi:Identifier}.sessions (
    project LowCardinality(String) COMMENT 'project\'s name',
    session_id String COMMENT 'the session; a touchpoint_id, too',
    customer_id String COMMENT 'customer whose session it is',
    device_id String COMMENT 'device it took place on',
    started_at DateTime64(3, 'UTC') COMMENT 'its first event',
    last_at DateTime64(3, 'UTC') COMMENT 'its last event',
    day Date COMMENT 'day of its first event in the project\'s time zone',
    channel LowCardinality(String) COMMENT 'web, app or chat',
    acquisition LowCardinality(String) COMMENT 'what brought it about: the default channel group at entry',
    utm_source LowCardinality(String) COMMENT 'campaign\'s source at entry',
    utm_medium LowCardinality(String) COMMENT 'campaign\'s medium at entry',
    utm_campaign LowCardinality(String) COMMENT 'campaign\'s name at entry',
    click_id LowCardinality(String) COMMENT 'name of the click id\'s parameter at entry',
    referrer_host LowCardinality(String) COMMENT 'referrer\'s host at entry',
    entry_host LowCardinality(String) COMMENT 'host of the first page',
    entry_path String COMMENT 'path of the first page',
    exit_path String COMMENT 'path of the last page',
    country LowCardinality(String) COMMENT 'ISO code of the country at entry',
    region LowCardinality(String) COMMENT 'region at entry',
    city LowCardinality(String) COMMENT 'city at entry',
    browser LowCardinality(String) COMMENT 'browser\'s family',
    os LowCardinality(String) COMMENT 'operating system\'s family',
    device_type LowCardinality(String) COMMENT 'desktop, mobile, tablet, tv, bot or other',
    events UInt32 COMMENT 'events',
    views UInt32 COMMENT 'page and screen views',
    interactions UInt32 COMMENT 'track events that are not passive',
    conversions UInt32 COMMENT 'events that met a goal, once a goal',
    engaged_ms UInt64 COMMENT 'foreground time, ms',
    duration_ms Int64 COMMENT 'from first to last event, ms',
    value_micros Int64 COMMENT 'value of its conversions in millionths of the project\'s currency',
    bounced_engaged Nullable(UInt8) COMMENT '1 = bounced by definition `engaged`: neither 10 s engaged nor a conversion nor two views; null without a view',
    bounced_no_interaction Nullable(UInt8) COMMENT '1 = bounced by definition `no_interaction`: one view, no interaction, under 10 s; null without a view',
    bounced_single_page Nullable(UInt8) COMMENT '1 = bounced by definition `single_page`: one view and no interaction; null without a view',
    bounced_single_event Nullable(UInt8) COMMENT '1 = bounced by definition `single_event`: one event; null without a view'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
SELECT
    one.project AS project,
    lower(leftPad(hex(one.id), 16, '0')) AS session_id,
    lower(leftPad(hex(ifNull(nullIf(joined.customer, 0), one.owner)), 16, '0')) AS customer_id,
    lower(leftPad(hex(one.device), 16, '0')) AS device_id,
    one.started_at AS started_at,
    one.last_at AS last_at,
    toDate(formatDateTime(one.started_at, '%F', ifNull(nullIf(zones.zone, ''), 'UTC'))) AS day,
    one.channel AS channel,
    one.acquisition AS acquisition,
    one.utm_source AS utm_source,
    one.utm_medium AS utm_medium,
    one.utm_campaign AS utm_campaign,
    one.click_id AS click_id,
    one.referrer_host AS referrer_host,
    one.entry_host AS entry_host,
    one.entry_path AS entry_path,
    one.exit_path AS exit_path,
    one.country AS country,
    one.region AS region,
    one.city AS city,
    one.browser AS browser,
    one.os AS os,
    one.device_type AS device_type,
    one.events AS events,
    one.views AS views,
    one.interactions AS interactions,
    one.conversions AS conversions,
    one.engaged_ms AS engaged_ms,
    one.duration_ms AS duration_ms,
    one.value_micros AS value_micros,
    one.bounced_engaged AS bounced_engaged,
    one.bounced_no_interaction AS bounced_no_interaction,
    one.bounced_single_page AS bounced_single_page,
    one.bounced_single_event AS bounced_single_event
FROM sessions AS one FINAL
LEFT JOIN (
    SELECT project, identifier, customer FROM identities FINAL
) AS joined ON joined.project = one.project AND joined.identifier = one.owner
LEFT JOIN (
    SELECT name, if(argMax(JSONExtractString(body, 'zone'), version) = '', 'UTC', argMax(JSONExtractString(body, 'zone'), version)) AS zone
    FROM definitions
    WHERE kind = 'project'
    GROUP BY name
) AS zones ON zones.name = one.project
WHERE NOT one.is_bot
SETTINGS do_not_merge_across_partitions_select_final = 1
COMMENT 'Sessions without those of bots, one row each';

CREATE OR REPLACE VIEW {bi:Identifier}.journeys (
    project LowCardinality(String) COMMENT 'project\'s name',
    journey_id String COMMENT 'the journey',
    customer_id String COMMENT 'customer whose journey it is',
    started_at DateTime64(3, 'UTC') COMMENT 'start of its first touchpoint',
    last_at DateTime64(3, 'UTC') COMMENT 'start of its last touchpoint',
    day Date COMMENT 'day of its start in the project\'s time zone',
    state String COMMENT 'converted; open: less than 30 days of silence so far; or ended',
    length_ms Int64 COMMENT 'from first to last touchpoint, ms',
    touchpoints UInt32 COMMENT 'touchpoints',
    sessions UInt32 COMMENT 'touchpoints that are sessions',
    conversions UInt32 COMMENT 'conversions',
    is_converted Bool COMMENT 'its last touchpoint holds a journey-ending conversion',
    value_micros Int64 COMMENT 'value of its conversions in millionths of the project\'s currency',
    cost_micros Int64 COMMENT 'cost of its touchpoints in millionths of the project\'s currency',
    first_channel LowCardinality(String) COMMENT 'first element of path',
    last_channel LowCardinality(String) COMMENT 'last element of path',
    path Array(String) COMMENT 'acquisition of its sessions and channel of its other touchpoints, in order',
    stage LowCardinality(String) COMMENT 'visitor, lead, customer or returning'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
SELECT
    one.project AS project,
    lower(leftPad(hex(one.id), 16, '0')) AS journey_id,
    lower(leftPad(hex(one.customer), 16, '0')) AS customer_id,
    one.started_at AS started_at,
    one.last_at AS last_at,
    toDate(formatDateTime(one.started_at, '%F', ifNull(nullIf(zones.zone, ''), 'UTC'))) AS day,
    multiIf(one.is_converted, 'converted', one.last_at + INTERVAL 30 DAY >= now64(3, 'UTC'), 'open', 'ended') AS state,
    dateDiff('millisecond', one.started_at, one.last_at) AS length_ms,
    one.touchpoints AS touchpoints,
    one.sessions AS sessions,
    one.conversions AS conversions,
    one.is_converted AS is_converted,
    one.value_micros AS value_micros,
    one.cost_micros AS cost_micros,
    one.first_channel AS first_channel,
    one.last_channel AS last_channel,
    arrayMap(each -> toString(each), one.path) AS path,
    one.stage AS stage
FROM journeys AS one FINAL
LEFT JOIN (
    SELECT name, if(argMax(JSONExtractString(body, 'zone'), version) = '', 'UTC', argMax(JSONExtractString(body, 'zone'), version)) AS zone
    FROM definitions
    WHERE kind = 'project'
    GROUP BY name
) AS zones ON zones.name = one.project
SETTINGS do_not_merge_across_partitions_select_final = 1
COMMENT 'Journeys, one row each';

CREATE OR REPLACE VIEW {bi:Identifier}.touchpoints (
    project LowCardinality(String) COMMENT 'project\'s name',
    touchpoint_id String COMMENT 'the touchpoint; of a session its session_id',
    customer_id String COMMENT 'customer whose touchpoint it is',
    device_id String COMMENT 'device key it took place on',
    started_at DateTime64(3, 'UTC') COMMENT 'its start',
    day Date COMMENT 'day of its start in the project\'s time zone',
    is_session Bool COMMENT 'a session, else one interaction on another channel',
    contact LowCardinality(String) COMMENT 'exposure, engagement, conversion or service',
    channel LowCardinality(String) COMMENT 'where the contact took place',
    acquisition LowCardinality(String) COMMENT 'of a session: its default channel group',
    utm_source LowCardinality(String) COMMENT 'campaign\'s source',
    utm_medium LowCardinality(String) COMMENT 'campaign\'s medium',
    utm_campaign LowCardinality(String) COMMENT 'campaign\'s name',
    event LowCardinality(String) COMMENT 'name of the event; empty for a session',
    conversions UInt32 COMMENT 'conversions in it',
    value_micros Int64 COMMENT 'value of its conversions in millionths of the project\'s currency',
    cost_micros Int64 COMMENT 'its cost in millionths of the project\'s currency'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
SELECT
    one.project AS project,
    lower(leftPad(hex(one.id), 16, '0')) AS touchpoint_id,
    lower(leftPad(hex(ifNull(nullIf(joined.customer, 0), one.owner)), 16, '0')) AS customer_id,
    lower(leftPad(hex(one.device), 16, '0')) AS device_id,
    one.started_at AS started_at,
    toDate(formatDateTime(one.started_at, '%F', ifNull(nullIf(zones.zone, ''), 'UTC'))) AS day,
    one.is_session AS is_session,
    one.contact AS contact,
    one.channel AS channel,
    one.acquisition AS acquisition,
    one.utm_source AS utm_source,
    one.utm_medium AS utm_medium,
    one.utm_campaign AS utm_campaign,
    one.event AS event,
    one.conversions AS conversions,
    one.value_micros AS value_micros,
    one.cost_micros AS cost_micros
FROM touchpoints AS one FINAL
LEFT JOIN (
    SELECT project, identifier, customer FROM identities FINAL
) AS joined ON joined.project = one.project AND joined.identifier = one.owner
LEFT JOIN (
    SELECT name, if(argMax(JSONExtractString(body, 'zone'), version) = '', 'UTC', argMax(JSONExtractString(body, 'zone'), version)) AS zone
    FROM definitions
    WHERE kind = 'project'
    GROUP BY name
) AS zones ON zones.name = one.project
WHERE NOT one.is_bot
SETTINGS do_not_merge_across_partitions_select_final = 1
COMMENT 'Sessions and interactions on other channels, without those of bots, one row each';

CREATE OR REPLACE VIEW {bi:Identifier}.conversions (
    project LowCardinality(String) COMMENT 'project\'s name',
    conversion_id String COMMENT 'the conversion',
    customer_id String COMMENT 'customer who converted',
    journey_id Nullable(String) COMMENT 'journey that holds it, null = none',
    device_id String COMMENT 'device of the event',
    occurred_at DateTime64(3, 'UTC') COMMENT 'when the event happened',
    day Date COMMENT 'its day in the project\'s time zone',
    goal LowCardinality(String) COMMENT 'goal\'s name',
    goal_version UInt32 COMMENT 'goal\'s version',
    kind LowCardinality(String) COMMENT 'lead, micro or macro',
    event LowCardinality(String) COMMENT 'event\'s name',
    value_micros Int64 COMMENT 'value in millionths of its currency',
    currency LowCardinality(String) COMMENT 'ISO code of the value\'s currency'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
SELECT
    one.project AS project,
    lower(leftPad(hex(one.id), 16, '0')) AS conversion_id,
    lower(leftPad(hex(one.customer), 16, '0')) AS customer_id,
    if(one.journey = 0, NULL, lower(leftPad(hex(one.journey), 16, '0'))) AS journey_id,
    lower(leftPad(hex(one.device), 16, '0')) AS device_id,
    one.occurred_at AS occurred_at,
    toDate(formatDateTime(one.occurred_at, '%F', ifNull(nullIf(zones.zone, ''), 'UTC'))) AS day,
    one.goal AS goal,
    one.goal_version AS goal_version,
    one.kind AS kind,
    one.event AS event,
    one.value_micros AS value_micros,
    one.currency AS currency
FROM conversions AS one FINAL
LEFT JOIN (
    SELECT name, if(argMax(JSONExtractString(body, 'zone'), version) = '', 'UTC', argMax(JSONExtractString(body, 'zone'), version)) AS zone
    FROM definitions
    WHERE kind = 'project'
    GROUP BY name
) AS zones ON zones.name = one.project
SETTINGS do_not_merge_across_partitions_select_final = 1
COMMENT 'Events that met a goal, one row for each goal';

CREATE OR REPLACE VIEW {bi:Identifier}.funnel_entries (
    project LowCardinality(String) COMMENT 'project\'s name',
    entry_id String COMMENT 'the entry',
    customer_id String COMMENT 'customer who entered',
    funnel LowCardinality(String) COMMENT 'saved funnel\'s name',
    funnel_version UInt32 COMMENT 'its version',
    entered_at DateTime64(3, 'UTC') COMMENT 'its first step',
    day Date COMMENT 'day of its first step in the project\'s time zone',
    steps UInt8 COMMENT 'number of the furthest step filled; in any order how many are filled',
    steps_of_funnel UInt8 COMMENT 'steps that the funnel has',
    is_converted Bool COMMENT 'the last step is filled',
    convert_ms Nullable(Int64) COMMENT 'from first to last step, ms; null where it is not converted',
    step_times Array(Nullable(DateTime64(3, 'UTC'))) COMMENT 'time of each step, null = not filled',
    step_groups Array(String) COMMENT 'value of the funnel\'s breakdown at each step; empty without one'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
SELECT
    one.project AS project,
    lower(leftPad(hex(one.id), 16, '0')) AS entry_id,
    lower(leftPad(hex(one.customer), 16, '0')) AS customer_id,
    one.funnel AS funnel,
    one.funnel_version AS funnel_version,
    one.entered_at AS entered_at,
    toDate(formatDateTime(one.entered_at, '%F', ifNull(nullIf(zones.zone, ''), 'UTC'))) AS day,
    one.steps AS steps,
    toUInt8(length(one.step_times)) AS steps_of_funnel,
    CAST(one.step_times[-1] != 0 AS Bool) AS is_converted,
    if(one.step_times[-1] = 0, NULL, one.step_times[-1] - one.step_times[1]) AS convert_ms,
    arrayMap(each -> if(each = 0, NULL, fromUnixTimestamp64Milli(each, 'UTC')), one.step_times) AS step_times,
    one.step_groups AS step_groups
FROM funnel_entries AS one FINAL
INNER JOIN (
    SELECT project, name, max(version) AS newest
    FROM definitions
    WHERE kind = 'funnel'
    GROUP BY project, name
    HAVING NOT argMax(is_deleted, version)
) AS saved ON saved.project = one.project AND saved.name = one.funnel
LEFT JOIN (
    SELECT name, if(argMax(JSONExtractString(body, 'zone'), version) = '', 'UTC', argMax(JSONExtractString(body, 'zone'), version)) AS zone
    FROM definitions
    WHERE kind = 'project'
    GROUP BY name
) AS zones ON zones.name = one.project
WHERE one.funnel_version = saved.newest
SETTINGS do_not_merge_across_partitions_select_final = 1
COMMENT 'Entries into saved funnels as they are defined now, one row each';

CREATE OR REPLACE VIEW {bi:Identifier}.funnel_daily (
    project LowCardinality(String) COMMENT 'project\'s name',
    funnel LowCardinality(String) COMMENT 'saved funnel\'s name',
    day Date COMMENT 'day of the first step in the project\'s time zone',
    step UInt8 COMMENT 'number of the step, from 1; in any order: so many steps',
    customers UInt64 COMMENT 'customers whose counted entry fills the step'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
SELECT
    counted.project AS project,
    counted.funnel AS funnel,
    counted.day AS day,
    counted.step AS step,
    count() AS customers
FROM (
    SELECT project, funnel, day, arrayJoin(arrayFilter((number, message) -> message != 0, arrayEnumerate(messages), messages)) AS step
    FROM (
        SELECT
            one.project AS project,
            one.funnel AS funnel,
            toDate(formatDateTime(one.entered_at, '%F', ifNull(nullIf(zones.zone, ''), 'UTC'))) AS day,
            argMin(one.step_messages, (
                -toInt16(one.steps), one.entered_at,
                arrayMap(each -> if(each = 0, toInt64(9223372036854775807), each), one.step_times), one.step_messages, one.step_groups
            )) AS messages
        FROM funnel_entries AS one FINAL
        INNER JOIN (
            SELECT project, name, max(version) AS newest
            FROM definitions
            WHERE kind = 'funnel'
            GROUP BY project, name
            HAVING NOT argMax(is_deleted, version)
        ) AS saved ON saved.project = one.project AND saved.name = one.funnel
        LEFT JOIN (
            SELECT name, if(argMax(JSONExtractString(body, 'zone'), version) = '', 'UTC', argMax(JSONExtractString(body, 'zone'), version)) AS zone
            FROM definitions
            WHERE kind = 'project'
            GROUP BY name
        ) AS zones ON zones.name = one.project
        WHERE one.funnel_version = saved.newest
        GROUP BY project, funnel, day, one.customer
        SETTINGS do_not_merge_across_partitions_select_final = 1
    )
) AS counted
GROUP BY counted.project, counted.funnel, counted.day, counted.step
COMMENT 'Saved funnels by day and step: a customer counts once a day, with the entry that got furthest';

CREATE OR REPLACE VIEW {bi:Identifier}.bounce_daily (
    project LowCardinality(String) COMMENT 'project\'s name',
    day Date COMMENT 'day on which the sessions start, in the project\'s time zone',
    channel LowCardinality(String) COMMENT 'web, app or chat',
    acquisition LowCardinality(String) COMMENT 'what brought the sessions about',
    definition LowCardinality(String) COMMENT 'definition of a bounce: engaged, no_interaction, single_page or single_event',
    sessions UInt64 COMMENT 'sessions',
    with_view UInt64 COMMENT 'sessions with a view: those of which a rate can be told',
    bounced UInt64 COMMENT 'sessions that bounced'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
SELECT
    counted.project AS project,
    counted.day AS day,
    counted.channel AS channel,
    counted.acquisition AS acquisition,
    counted.verdict.1 AS definition,
    count() AS sessions,
    countIf(counted.verdict.2 IS NOT NULL) AS with_view,
    countIf(counted.verdict.2 = 1) AS bounced
FROM (
    SELECT
        one.project AS project,
        toDate(formatDateTime(one.started_at, '%F', ifNull(nullIf(zones.zone, ''), 'UTC'))) AS day,
        one.channel AS channel,
        one.acquisition AS acquisition,
        arrayJoin([
            ('engaged', one.bounced_engaged), ('no_interaction', one.bounced_no_interaction),
            ('single_page', one.bounced_single_page), ('single_event', one.bounced_single_event)
        ]) AS verdict
    FROM sessions AS one FINAL
    LEFT JOIN (
        SELECT name, if(argMax(JSONExtractString(body, 'zone'), version) = '', 'UTC', argMax(JSONExtractString(body, 'zone'), version)) AS zone
        FROM definitions
        WHERE kind = 'project'
        GROUP BY name
    ) AS zones ON zones.name = one.project
    WHERE NOT one.is_bot
    SETTINGS do_not_merge_across_partitions_select_final = 1
) AS counted
GROUP BY counted.project, counted.day, counted.channel, counted.acquisition, counted.verdict.1
COMMENT 'Sessions and bounces by day, channel and acquisition, for each definition of a bounce: name one of them';

CREATE OR REPLACE VIEW {bi:Identifier}.customers (
    project LowCardinality(String) COMMENT 'project\'s name',
    customer_id String COMMENT 'the customer',
    first_at DateTime64(3, 'UTC') COMMENT 'start of the first touchpoint',
    last_at DateTime64(3, 'UTC') COMMENT 'start of the last touchpoint',
    touchpoints UInt64 COMMENT 'touchpoints',
    sessions UInt64 COMMENT 'touchpoints that are sessions',
    first_channel LowCardinality(String) COMMENT 'acquisition of the first touchpoint where it is a session, else its channel',
    last_channel LowCardinality(String) COMMENT 'the same of the last touchpoint',
    journeys UInt64 COMMENT 'journeys',
    conversions UInt64 COMMENT 'conversions in journeys',
    value_micros Int64 COMMENT 'their value in millionths of the project\'s currency',
    stage LowCardinality(String) COMMENT 'stage of the last journey: visitor, lead, customer or returning'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
SELECT
    seen.project AS project,
    lower(leftPad(hex(seen.customer), 16, '0')) AS customer_id,
    seen.first_at AS first_at,
    seen.last_at AS last_at,
    seen.touchpoints AS touchpoints,
    seen.sessions AS sessions,
    seen.first_channel AS first_channel,
    seen.last_channel AS last_channel,
    ifNull(moved.journeys, 0) AS journeys,
    ifNull(moved.conversions, 0) AS conversions,
    ifNull(moved.value_micros, 0) AS value_micros,
    ifNull(moved.stage, '') AS stage
FROM (
    SELECT
        one.project AS project,
        ifNull(nullIf(joined.customer, 0), one.owner) AS customer,
        min(one.started_at) AS first_at,
        max(one.started_at) AS last_at,
        count() AS touchpoints,
        countIf(one.is_session) AS sessions,
        argMin(if(one.is_session, one.acquisition, one.channel), (one.started_at, one.id)) AS first_channel,
        argMax(if(one.is_session, one.acquisition, one.channel), (one.started_at, one.id)) AS last_channel
    FROM touchpoints AS one FINAL
    LEFT JOIN (
        SELECT project, identifier, customer FROM identities FINAL
    ) AS joined ON joined.project = one.project AND joined.identifier = one.owner
    WHERE NOT one.is_bot
    GROUP BY project, customer
    SETTINGS do_not_merge_across_partitions_select_final = 1
) AS seen
LEFT JOIN (
    SELECT
        project,
        customer,
        count() AS journeys,
        sum(conversions) AS conversions,
        sum(value_micros) AS value_micros,
        argMax(stage, (started_at, id)) AS stage
    FROM (SELECT * FROM journeys FINAL)
    GROUP BY project, customer
    SETTINGS do_not_merge_across_partitions_select_final = 1
) AS moved ON moved.project = seen.project AND moved.customer = seen.customer
COMMENT 'Customers who have a touchpoint, bots left out, one row each';

CREATE OR REPLACE VIEW {bi:Identifier}.attribution (
    project LowCardinality(String) COMMENT 'project\'s name',
    conversion_id String COMMENT 'the conversion',
    touchpoint_id String COMMENT 'the touchpoint that has the credit',
    customer_id String COMMENT 'the customer',
    model LowCardinality(String) COMMENT 'how credit is given: first, last, linear ...',
    occurred_at DateTime64(3, 'UTC') COMMENT 'when the conversion happened',
    credit Float64 COMMENT 'share of the conversion, 0 to 1',
    value_micros Int64 COMMENT 'share of its value in millionths of its currency',
    currency LowCardinality(String) COMMENT 'ISO code of the value\'s currency'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS
SELECT
    one.project AS project,
    lower(leftPad(hex(one.id), 16, '0')) AS conversion_id,
    '' AS touchpoint_id,
    lower(leftPad(hex(one.customer), 16, '0')) AS customer_id,
    '' AS model,
    one.occurred_at AS occurred_at,
    toFloat64(0) AS credit,
    toInt64(0) AS value_micros,
    one.currency AS currency
FROM conversions AS one FINAL
WHERE 0
COMMENT 'Credit of touchpoints for conversions, one row each. Empty: credit is not computed yet';
