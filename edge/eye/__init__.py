"""One camera: streams in, JSON lines and files out."""
