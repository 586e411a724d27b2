DELETE FROM blocks WHERE (lane, first) IN (
    SELECT lane, first FROM blocks WHERE newest < $1 ORDER BY lane, first LIMIT $2 FOR UPDATE SKIP LOCKED
)
RETURNING 1
