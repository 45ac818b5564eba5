SELECT number, name
FROM migrations FINAL
WHERE is_applied
ORDER BY number
