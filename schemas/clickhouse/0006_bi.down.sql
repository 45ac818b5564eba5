-- The database stays: others may have views of their own in it.
DROP VIEW IF EXISTS {bi:Identifier}.attribution;
DROP VIEW IF EXISTS {bi:Identifier}.customers;
DROP VIEW IF EXISTS {bi:Identifier}.bounce_daily;
DROP VIEW IF EXISTS {bi:Identifier}.funnel_daily;
DROP VIEW IF EXISTS {bi:Identifier}.funnel_entries;
DROP VIEW IF EXISTS {bi:Identifier}.conversions;
DROP VIEW IF EXISTS {bi:Identifier}.touchpoints;
DROP VIEW IF EXISTS {bi:Identifier}.journeys;
DROP VIEW IF EXISTS {bi:Identifier}.sessions;
