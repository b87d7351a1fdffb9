from __future__ import annotations

from edge.serving.sessions import SESSION_S, SESSIONS_MAX, Sessions, SignIns

S = 1_000_000_000
PW_A = "523acaa55a55c3506a88ab3256f6b08c7099159d9daf6b4818fc1023c7b07e0f"
"""SHA-256 of pw_a."""


def test_session_stands_for_the_hash_of_its_token_and_no_other_text_does() -> None:
    sessions = Sessions()
    text = sessions.begin("pw_a", now_ns=0)
    other = sessions.begin("pw_a", now_ns=0)
    assert sessions.find(text, now_ns=1) == PW_A
    assert sessions.find(other, now_ns=1) == PW_A
    assert text != other
    assert len(text) == 43
    assert sessions.find(text + "x", now_ns=1) is None
    assert sessions.find("", now_ns=1) is None


def test_session_is_over_when_twelve_hours_have_passed() -> None:
    sessions = Sessions()
    text = sessions.begin("pw_a", now_ns=5)
    assert SESSION_S == 43_200
    assert sessions.find(text, now_ns=43_200 * S + 4) is not None
    assert sessions.find(text, now_ns=43_200 * S + 5) is None
    assert sessions.find(text, now_ns=6) is None


def test_session_is_over_when_it_was_ended() -> None:
    sessions = Sessions()
    text = sessions.begin("pw_a", now_ns=0)
    sessions.end(text)
    sessions.end(text)
    assert sessions.find(text, now_ns=1) is None


def test_first_session_goes_when_there_are_too_many() -> None:
    sessions = Sessions()
    texts = [sessions.begin(f"pw_{number}", now_ns=0) for number in range(SESSIONS_MAX + 1)]
    assert sessions.find(texts[0], now_ns=1) is None
    assert sessions.find(texts[1], now_ns=1) is not None
    assert sessions.find(texts[-1], now_ns=1) is not None


def test_token_ends_its_own_sessions_when_it_begins_too_many() -> None:
    sessions = Sessions()
    desk = sessions.begin("pw_a", now_ns=0)
    texts = [sessions.begin("pw_program", now_ns=0) for _ in range(300)]
    assert sessions.find(desk, now_ns=1) == PW_A
    assert sessions.find(texts[-33], now_ns=1) is None
    assert sessions.find(texts[-32], now_ns=1) is not None


def test_person_signs_in_thirty_times_at_once_and_then_every_two_seconds() -> None:
    sign_ins = SignIns()
    assert [sign_ins.take("wang", now_ns=0) for _ in range(32)] == [0] * 30 + [2, 2]
    assert sign_ins.take("chen", now_ns=0) == 0
    assert sign_ins.take("wang", now_ns=S) == 1
    assert [sign_ins.take("wang", now_ns=2 * S) for _ in range(2)] == [0, 2]
    assert [sign_ins.take("wang", now_ns=3600 * S) for _ in range(31)] == [0] * 30 + [2]
