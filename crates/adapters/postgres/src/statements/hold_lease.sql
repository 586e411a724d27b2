SELECT pg_advisory_xact_lock(17765102, $1)
