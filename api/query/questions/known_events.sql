-- Which of the names some event has. Reads the index and little more; a retracted event's name may be among them.
SELECT toString(event)
FROM events
WHERE project = {project:String} AND event IN {events:Array(String)}
GROUP BY event
