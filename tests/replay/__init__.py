"""Replay: real clips through the real command, held against truth made by looking at frames."""
