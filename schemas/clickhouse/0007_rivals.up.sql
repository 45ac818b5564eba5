-- Of each entry into a saved funnel when the same customer's entries that count in its stead begin, so that those that
-- count in a range are found without grouping. Rows of before have 0 in both, which says that nobody has looked yet.

ALTER TABLE funnel_entries
    ADD COLUMN IF NOT EXISTS before_at Int64 COMMENT 'the customer\'s last entry before it that comes as far, ms since 1970; -2^62 = none, 0 = not looked up' AFTER step_groups;

ALTER TABLE funnel_entries
    ADD COLUMN IF NOT EXISTS after_at Int64 COMMENT 'the customer\'s first entry after it that comes further, ms since 1970; 2^62 = none, 0 = not looked up' AFTER before_at;
