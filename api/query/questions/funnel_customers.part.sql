    -- The same by customer. A device that changed hands has a row for each owner, with the events of his time.
    SELECT
        if(identity.customer = 0, if(ownership.owner = 0, found.device, ownership.owner), identity.customer) AS customer,
        arraySort(groupArrayArray(if(
            ownership.owner = 0 OR ownership.is_whole,
            found.moments,
            arrayFilter(
                moment -> toInt64(bitShiftRight(moment, 5)) >= ownership.owned_from
                    AND toInt64(bitShiftRight(moment, 5)) < ownership.owned_until,
                found.moments)))) AS moments
    FROM (
-- include funnel_devices
    ) AS found
    LEFT JOIN (
        SELECT
            device, owner, owned_from, owned_until,
            owned_from = -4611686018427387904 AND owned_until = 4611686018427387904 AS is_whole
        FROM owners FINAL
        WHERE project = {project:String}
    ) AS ownership ON ownership.device = found.device
    LEFT JOIN (
        SELECT identifier, customer FROM identities FINAL WHERE project = {project:String}
    ) AS identity ON identity.identifier = if(ownership.owner = 0, found.device, ownership.owner)
    GROUP BY customer
