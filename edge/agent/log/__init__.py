"""The pole's log: six feeds of records in SQLite, written by one thread, told when on disk."""
