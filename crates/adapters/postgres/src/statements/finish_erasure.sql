WITH finished AS (UPDATE erasures SET done_at = now() WHERE number = $1 AND done_at IS NULL RETURNING 1)
UPDATE facts SET value = value + (SELECT count(*) FROM finished) WHERE name = 'finished'
