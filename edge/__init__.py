"""Polewatch: the software of a watch post on a pole."""
