UPDATE erasures SET done_at = now() WHERE number = $1 AND done_at IS NULL
