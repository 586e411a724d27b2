DELETE FROM checkpoints
