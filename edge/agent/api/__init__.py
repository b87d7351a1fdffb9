"""The HTTP API of a pole: one file a resource, who may call what, and what went wrong."""
