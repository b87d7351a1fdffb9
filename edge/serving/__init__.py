"""What every HTTP server of ours is made of: who may connect and ask, and how it is answered."""
