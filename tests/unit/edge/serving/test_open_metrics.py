from __future__ import annotations

from edge.serving.open_metrics import Family, Figure, encode_families


def test_families_are_written_as_the_standard_has_them() -> None:
    text = encode_families(
        [
            Family("up", "gauge", "1 while it works.", [Figure(1.0, {})]),
            Family("looks", "counter", "Looks.", [Figure(123_456_789, {"camera": "road"})]),
            Family("cpu_seconds", "counter", "Time.", [Figure(0.125, {})]),
            Family("none", "gauge", "Nothing to say.", []),
        ]
    )
    assert text == (
        "# TYPE up gauge\n# HELP up 1 while it works.\nup 1\n"
        '# TYPE looks counter\n# HELP looks Looks.\nlooks_total{camera="road"} 123456789\n'
        "# TYPE cpu_seconds counter\n# HELP cpu_seconds Time.\ncpu_seconds_total 0.125\n"
        "# EOF\n"
    )


def test_labels_cannot_break_out_of_their_quotes() -> None:
    figure = Figure(1, {"route": 'a"} 1\n# EOF\\'})
    assert encode_families([Family("up", "gauge", "x", [figure])]).splitlines()[2] == (
        'up{route="a\\"} 1\\n# EOF\\\\"} 1'
    )
