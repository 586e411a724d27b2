SELECT value FROM facts WHERE name = 'erasures' FOR SHARE
