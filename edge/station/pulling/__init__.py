"""How the station gets what poles have: feeds by cursor, files by hash, over links that fail."""
