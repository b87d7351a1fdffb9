"""What the station's parts need of each other: Protocols and plain dataclasses, nothing that runs.

    pulling/ ──▶ Vault ◀── store/ ──▶ Desk ◀── api/
    outward/ ──▶ Arrivals ◀── store/
    pulling/ ──▶ Links ◀── api/

A pole is named everywhere as the configuration names it; the station's own records are of the
"pole" that has the station's id.
"""
