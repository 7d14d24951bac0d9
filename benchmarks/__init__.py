"""Scripts that measure; each tells at its beginning how to call it."""
