"""Models and footage of other people: what is pinned, and how it is fetched and checked."""
