INSERT INTO leases (name, holder, held_until) VALUES ($1, $2, now() + interval '60 seconds')
ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, held_until = excluded.held_until
WHERE leases.holder = excluded.holder OR leases.held_until < now()
RETURNING 1
