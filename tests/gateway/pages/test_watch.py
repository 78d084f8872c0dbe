"""What the console counts, and whom it lets in."""

from __future__ import annotations

import pytest

pytest.importorskip("fastapi", reason="the gateway's packages are absent: pip install 'aisle[gateway]'")

from aisle.gateway.pages.signing import SIGNED_SECONDS, Signing
from aisle.gateway.pages.watch import Line, Watch

KEY = "0123456789abcdef"


class Clock:
    def __init__(self, now: float) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


def test_the_last_minute_is_counted_by_route_and_by_stage() -> None:
    clock = Clock(0.0)
    watch = Watch(clock)
    watch.note("/v1/search", 200, 9.0, {"search": 8.0})
    clock.now = 100.0
    for milliseconds in range(1, 101):
        watch.note("/v1/search", 503 if milliseconds > 97 else 200, milliseconds / 1e3, {"store": 0.001})
    watch.note("", 404, 0.001, {})
    assert watch.routes() == [
        Line("/v1/search", pytest.approx(100 / 60), pytest.approx(3 / 60), 0.051, 0.1),
        Line("other", pytest.approx(1 / 60), 0.0, 0.001, 0.001),
    ]
    (stage,) = watch.stages()
    assert (stage.name, stage.p50) == ("store", 0.001)
    clock.now = 161.0
    assert watch.routes() == []


def test_a_gateway_that_has_just_started_is_counted_by_the_time_it_has_run() -> None:
    clock = Clock(50.0)
    watch = Watch(clock)
    clock.now = 60.0
    for _ in range(20):
        watch.note("/", 200, 0.1, {})
    assert watch.routes()[0].rate == pytest.approx(2.0)


def test_the_last_refusals_are_kept_the_newest_first() -> None:
    watch = Watch()
    for number in range(25):
        watch.refuse(f"POST /{number}", 422, "no")
    assert [one.asked for one in watch.refused] == [f"POST /{number}" for number in range(24, 4, -1)]
    assert watch.refusals == {422: 25}


def test_who_has_the_key_is_let_in_until_the_time_is_over() -> None:
    clock = Clock(1_000.0)
    cookie = Signing(KEY, clock).sign_in(f" {KEY}\n")
    other = Signing(KEY, clock)
    assert cookie and KEY not in cookie and other.knows(cookie)
    clock.now += SIGNED_SECONDS
    assert not other.knows(cookie)


@pytest.mark.parametrize("came", ["", KEY[:-1], f"{KEY}0", "ключ", "\ud800"])
def test_a_wrong_key_is_let_in_nowhere(came: str) -> None:
    assert Signing(KEY).sign_in(came) == "" and Signing("").sign_in(came) == ""


def test_a_cookie_that_was_not_given_is_not_believed() -> None:
    clock = Clock(1_000.0)
    cookie = Signing(KEY, clock).sign_in(KEY)
    until, signature = cookie.split(".")
    later = str(int(until) + 1)
    forged = [
        f"{later}.{signature}",
        f"{until}.{'0' * 64}",
        until,
        "",
        ".",
        f"{until}.{signature}x",
        f"²{until}.ключ",
    ]
    assert [Signing(KEY, clock).knows(one) for one in forged] == [False] * len(forged)
    assert not Signing(KEY[::-1], clock).knows(cookie)
    # Without a key nobody is let in, not even by what the empty key would sign.
    assert not Signing("", clock).knows(f"{until}.{Signing('')._signature(until)}")
