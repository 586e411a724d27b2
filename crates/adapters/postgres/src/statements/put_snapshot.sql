INSERT INTO snapshots (name, taken_at, value) VALUES ($1, $2, $3)
ON CONFLICT (name) DO UPDATE SET taken_at = excluded.taken_at, value = excluded.value
WHERE snapshots.taken_at < excluded.taken_at
