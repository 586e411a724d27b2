SELECT lane, first FROM blocks WHERE oldest < $1 AND newest >= $1 LIMIT 1000
