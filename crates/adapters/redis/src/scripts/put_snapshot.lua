local stands = redis.call('HGET', KEYS[1], 'taken_at')
if stands and stands >= ARGV[1] then
    return 0
end
redis.call('HSET', KEYS[1], 'taken_at', ARGV[1], 'bytes', ARGV[2])
return 1
