SELECT number, user_id, lanes, nexts FROM erasures
WHERE done_at IS NULL AND user_id = coalesce($1, user_id) ORDER BY number
