DELETE FROM checkpoints USING unnest($2) AS changed (position)
WHERE checkpoints.lane = $1 AND first <= changed.position AND past > changed.position
