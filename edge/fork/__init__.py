"""The fork server seen from outside: its protocol, and a client."""
