"""The HTTP API of the station: one file a resource."""
