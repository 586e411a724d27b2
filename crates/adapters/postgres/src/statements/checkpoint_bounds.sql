SELECT first, past FROM checkpoints WHERE lane = $1 ORDER BY first
