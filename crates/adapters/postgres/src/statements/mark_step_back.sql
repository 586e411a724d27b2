SELECT expires_at FROM memberships WHERE expires_at > $1 AND expires_at <= $2 ORDER BY expires_at DESC OFFSET $3 LIMIT 1
