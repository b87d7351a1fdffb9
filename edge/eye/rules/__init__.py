"""Conditions on tracks that open, update and close alerts; pure, one file a rule type."""
