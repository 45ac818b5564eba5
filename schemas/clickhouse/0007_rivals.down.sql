ALTER TABLE funnel_entries DROP COLUMN IF EXISTS after_at;

ALTER TABLE funnel_entries DROP COLUMN IF EXISTS before_at;
