local stands = redis.call('HGET', KEYS[1], 'taken_at')
if stands and stands >= ARGV[1] then
    return 0
end
redis.call('HSET', KEYS[1], 'taken_at', ARGV[1], 'bytes', ARGV[2])
-- 30 days: a store that is gone leaves nothing for ever.
redis.call('PEXPIRE', KEYS[1], 2592000000)
return 1
