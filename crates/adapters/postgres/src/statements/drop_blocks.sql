DELETE FROM blocks WHERE (lane, first) IN (SELECT lane, first FROM blocks WHERE newest < $1 LIMIT $2) RETURNING 1
