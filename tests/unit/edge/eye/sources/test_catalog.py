"""What a SOURCE word means, and that no password comes out again."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.config.model import Credentials
from edge.errors import SourceUnreachable, ValidationError
from edge.eye.sources.catalog import SourcePlan, name_source, plan_source


def opened(plan: SourcePlan) -> tuple[str, str]:
    """The URL and the name of a plan."""
    assert plan.opening is not None
    return plan.opening.url, plan.opening.name


def test_camera_address_is_live_and_named_without_login() -> None:
    plan = plan_source("rtsp://eye:geheim@10.0.0.11:8554/main?x=geheim")
    assert plan.is_live
    assert plan.name == "10.0.0.11"
    url, name = opened(plan)
    assert url == "rtsp://eye:geheim@10.0.0.11:8554/main?x=geheim"
    assert name == "rtsp://10.0.0.11:8554/main"


def test_login_is_quoted_and_put_where_the_address_has_none() -> None:
    login = Credentials(user="ey e", password="p@ss/wo:rd%")
    url, name = opened(plan_source("rtsp://10.0.0.11/main", login))
    assert url == "rtsp://ey%20e:p%40ss%2Fwo%3Ard%25@10.0.0.11/main"
    assert "p@ss" not in name


@pytest.mark.parametrize("user", ["admin", "admin:geheim", "", ":geheim"])
def test_user_inside_an_address_is_refused_beside_a_login(user: str) -> None:
    """It would be tried in the login's place, and after two tries the camera locks us out."""
    login = Credentials(user="eye", password="right")
    with pytest.raises(ValidationError, match="credentials") as raised:
        plan_source(f"rtsp://{user}@10.0.0.11/main", login)
    assert "geheim" not in str(raised.value)


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        ("user=admin_password=tlJwpbo6_channel=1_stream=0.sdp", "user=admin_password=…"),
        ("password=my_secret_channel=1.sdp", "password=…"),
        ("passwd=my_secret&channel=1.sdp", "passwd=…&channel=1.sdp"),
        ("PWD=my_secret/main", "PWD=…/main"),
        ("pass=my_secret?x=1", "pass=…"),
    ],
)
def test_password_in_the_path_is_not_named(path: str, shown: str) -> None:
    """An underscore may end it or be a part of it; nobody can tell."""
    _, name = opened(plan_source(f"rtsp://10.0.0.11/{path}"))
    assert name == f"rtsp://10.0.0.11/{shown}"


@pytest.mark.parametrize(
    "word",
    [
        "rtsp://eye:geheim/main@10.0.0.11/x",
        "rtsp://eye:geheim@10.0.0.11:port/x",
        "rtsp://[::1/x",
        "rtsp:///x",
        "ftp://eye:geheim@10.0.0.11/x",
        "v4l2:",
        "lepton:",
    ],
)
def test_what_is_no_source_is_refused_without_showing_it(word: str) -> None:
    with pytest.raises(ValidationError) as raised:
        plan_source(word)
    assert "geheim" not in str(raised.value)
    assert raised.value.faults[0].remedy


def test_ipv6_address_keeps_its_brackets() -> None:
    url, _ = opened(plan_source("rtsp://[fd00::11]:554/main", Credentials(user="a", password="b")))
    assert url == "rtsp://a:b@[fd00::11]:554/main"


def test_device_is_live() -> None:
    plan = plan_source("v4l2:/dev/video7")
    assert plan.is_live
    assert plan.name == "video7"


def test_file_is_opened_by_its_path_alone(tmp_path: Path) -> None:
    """A name like `rtsp:x.mp4` or `concat:a|b` must not be taken for a protocol."""
    file = tmp_path / "concat:a.mp4"
    file.touch()
    plan = plan_source(str(file))
    assert not plan.is_live
    assert opened(plan) == (f"file:{file}", "concat:a.mp4")


def test_folder_is_pictures(tmp_path: Path) -> None:
    plan = plan_source(str(tmp_path))
    assert plan.folder == tmp_path
    assert not plan.is_live


def test_missing_file_says_so(tmp_path: Path) -> None:
    with pytest.raises(SourceUnreachable, match="there is no such file"):
        plan_source(str(tmp_path / "no.mp4"))


def test_device_as_a_file_is_refused_with_the_right_word() -> None:
    """Reading /dev/zero would never end."""
    with pytest.raises(ValidationError, match="v4l2:DEVICE"):
        plan_source("/dev/zero")


def test_login_shows_nothing() -> None:
    assert "geheim" not in repr(Credentials(user="eye", password="geheim"))
    assert "geheim" not in repr(plan_source("rtsp://eye:geheim@10.0.0.11/x"))


def test_sources_are_named_by_what_people_know() -> None:
    assert name_source("rtsp://a:b@10.0.0.11:554/x") == "10.0.0.11"
    assert name_source("v4l2:/dev/video0") == "video0"
    assert name_source("/a/yard.mp4") == "yard"
    assert name_source("rtsp://[::1") == "rtsp"


@given(st.text(max_size=40))
def test_any_address_is_understood_or_refused(text: str) -> None:
    try:
        plan = plan_source(f"rtsp://{text}")
    except ValidationError:
        return
    assert plan.is_live
