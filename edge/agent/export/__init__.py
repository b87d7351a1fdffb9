"""Evidence packages: what somebody takes from a pole to show elsewhere."""
