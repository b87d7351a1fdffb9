"""How the pole listens: who may connect, for how long, under which certificate."""
