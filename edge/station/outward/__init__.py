"""What leaves the station unasked: webhooks."""
