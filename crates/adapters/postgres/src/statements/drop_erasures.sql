DELETE FROM erasures WHERE done_at < now() - interval '10 minutes'
