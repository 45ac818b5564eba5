-- The most frequent names of events.
SELECT toString(event)
FROM events
WHERE project = {project:String}
GROUP BY event
ORDER BY count() DESC
LIMIT 5000
