INSERT INTO checkpoints (lane, first, past, newest, value) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (lane, first) DO UPDATE SET past = excluded.past, newest = excluded.newest, value = excluded.value
