-- The database of the views for BI tools: one for each database with tables, so that two on one server keep apart.
SELECT if(currentDatabase() = 'default', 'bi', concat('bi_', currentDatabase()))
