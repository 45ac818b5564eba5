-- Salts that are there, of each day the one that counts first.
SELECT day, made_at, salt
FROM salts
ORDER BY day, made_at, salt
