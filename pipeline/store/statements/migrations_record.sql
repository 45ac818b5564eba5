INSERT INTO migrations (number, name, changed_at, is_applied, version)
SELECT {number:UInt32}, {name:String}, now64(3), {is_applied:UInt8}, (SELECT max(version) FROM migrations) + 1
