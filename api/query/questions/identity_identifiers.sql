-- Every identifier that evidence, a refusal or an identity names.
SELECT identifier FROM pairs FINAL WHERE project = {project:String}
UNION DISTINCT
SELECT identifier FROM refusals FINAL WHERE project = {project:String}
UNION DISTINCT
SELECT identifier FROM identities FINAL WHERE project = {project:String}
