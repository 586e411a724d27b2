UPDATE lanes SET leased_until = '-infinity' WHERE holder = $1
