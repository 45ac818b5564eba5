-- Sources that have sent events.
SELECT DISTINCT toString(source)
FROM events
WHERE project = {project:String}
