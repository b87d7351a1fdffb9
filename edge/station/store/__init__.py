"""What the station keeps: records, alerts and files, each on disk before anybody is told."""
