-- Of each customer the first session ever, by (start, id); none at all unless `firsts` asks for them.
    SELECT
        if(of_owner.customer = 0, every.owner, of_owner.customer) AS customer,
        argMin(every.id, (every.started_at, every.id)) AS id
    FROM sessions AS every FINAL
    LEFT JOIN (
        SELECT identifier, customer FROM identities FINAL WHERE project = {project:String}
    ) AS of_owner ON of_owner.identifier = every.owner
    WHERE {firsts:UInt8} AND every.project = {project:String} AND ({bots:UInt8} OR NOT every.is_bot)
    GROUP BY customer
