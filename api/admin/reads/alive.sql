-- Does the store answer?
SELECT 1
