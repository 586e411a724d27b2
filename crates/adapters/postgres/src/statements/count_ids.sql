SELECT count(*) FROM event_ids JOIN unnest($1, $2) AS event (id, position) USING (id, position)
