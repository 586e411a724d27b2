SELECT taken_at, CASE WHEN taken_at = $2 THEN NULL ELSE value END AS value FROM snapshots WHERE name = $1
