SELECT lane, next FROM lanes ORDER BY lane FOR UPDATE
