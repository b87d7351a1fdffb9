"""What breaks a pole, done to it: kills, power cuts, flipped bits, hangs. `make test-faults`."""
