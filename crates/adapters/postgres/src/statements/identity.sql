SELECT value FROM store_identity
