-- Disks of the store: name, free and whole bytes.
SELECT name, free_space, total_space FROM system.disks
