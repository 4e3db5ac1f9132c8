"""What `mask` knows, and for how long."""

from __future__ import annotations

from threading import Thread

import pytest

from headrace.secrets import mask, remember, remember_passing, without_values


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://a/b?page=next&address=kim%40x.test&", "https://a/b?page=***&address=***&"),
        ("https://a/b?x&y==z=1", "https://a/b?x&y=***"),
        ("https://a/b=c", "https://a/b=c"),
    ],
)
def test_addresses_without_values(url: str, shown: str) -> None:
    assert without_values(url) == shown


def test_a_lasting_value_is_never_forgotten() -> None:
    remember("lasting-4711")
    for number in range(1000):
        remember_passing(f"passing-{number:04}")
    assert mask("lasting-4711 and bGFzdGluZy00NzEx") == "*** and ***"


def test_a_passing_value_is_forgotten_when_many_have_come() -> None:
    """The signatures of a million requests must not be looked for in every text."""
    for number in range(1000):
        remember_passing(f"signature-{number:04}")
    assert mask("signature-0999 signature-0744") == "*** ***"
    assert mask("signature-0743") == "signature-0743"


def test_a_passing_value_that_is_used_again_stays() -> None:
    for number in range(1000):
        remember_passing("token-of-the-hour")
        remember_passing(f"nonce-{number:04}")
    assert mask("token-of-the-hour") == "***"


def test_short_values_are_no_secrets() -> None:
    remember("ab")
    remember_passing("cd")
    assert mask("abcd") == "abcd"


def test_threads_may_remember_while_others_mask() -> None:
    def work(name: str) -> None:
        for number in range(300):
            remember_passing(f"{name}-{number}")
            mask("nothing in here")

    threads = [Thread(target=work, args=(f"thread-{number}",)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert mask("thread-3-299") == "***"
