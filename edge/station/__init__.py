"""The reference station: pulls poles over their HTTP API and serves the duty desk."""
