-- Every version of every goal of a project.
SELECT body
FROM definitions
WHERE project = {project:String} AND kind = 'goal' AND body != ''
