-- The identifiers of some customers, those that are their own customer left out.
SELECT
    project, identifier, customer
FROM identities_by_customer FINAL
PREWHERE project = {project:String} AND customer IN {customers:Array(UInt64)}
