DELETE FROM checkpoints WHERE newest < $1
