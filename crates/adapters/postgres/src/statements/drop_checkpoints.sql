DELETE FROM checkpoints WHERE (lane, first) IN (
    SELECT lane, first FROM checkpoints WHERE newest < $1 ORDER BY lane, first FOR UPDATE SKIP LOCKED
)
