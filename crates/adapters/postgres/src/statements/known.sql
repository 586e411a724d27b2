SELECT id FROM event_ids WHERE id = ANY ($1)
