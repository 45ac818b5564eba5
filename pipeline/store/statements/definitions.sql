-- The newest version of every definition, taken back or not.
SELECT
    project,
    kind,
    name,
    max(version) AS newest,
    argMax(body, tuple(version, created_at)) AS newest_body,
    argMax(is_deleted, tuple(version, created_at)) AS newest_is_deleted
FROM definitions FINAL
GROUP BY project, kind, name
ORDER BY project, kind, name
