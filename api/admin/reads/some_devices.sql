-- Devices for a sample, by the hash of device and a number that makes each sample another.
SELECT device
FROM sessions FINAL
WHERE project = {project:String}
GROUP BY device
ORDER BY cityHash64(device, {salt:UInt64})
LIMIT {rows:UInt32}
