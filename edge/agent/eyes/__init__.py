"""The pole's eyes as the agent has them: run, heard, believed as far as they can be."""
