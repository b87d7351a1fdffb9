"""Rules that hold for the whole tree; the checks are functions over text, tested on offences."""
