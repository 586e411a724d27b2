local taken_at = redis.call('HGET', KEYS[1], 'taken_at')
if not taken_at then
    return false
end
if taken_at == ARGV[1] then
    return {taken_at}
end
local size = redis.call('HSTRLEN', KEYS[1], 'bytes')
if size > tonumber(ARGV[2]) then
    return {taken_at, size}
end
return {taken_at, redis.call('HGET', KEYS[1], 'bytes')}
