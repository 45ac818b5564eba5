-- Devices that one of a customer's identifiers has owned at a time.
device IN (
    SELECT device FROM owners_by_owner FINAL WHERE project = {project:String} AND owner IN {owners:Array(UInt64)}
)
