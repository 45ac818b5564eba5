-- The store's clock, ms, and its version.
SELECT toUnixTimestamp64Milli(now64(3)), version()
