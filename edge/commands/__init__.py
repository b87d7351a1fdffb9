"""One file a command of `polewatch`: its arguments, and what it does with them."""
