"""Room for media: what goes when there is not enough, and how it is told."""
