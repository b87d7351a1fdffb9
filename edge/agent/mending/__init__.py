"""A data folder that is not as it was left: put right where it can be, set aside where not."""
