"""What the station keeps: records, what they make of alerts, files; on disk before it is told."""
