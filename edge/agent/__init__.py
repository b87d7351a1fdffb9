"""One process per pole: runs the eyes, keeps the records, serves them."""
