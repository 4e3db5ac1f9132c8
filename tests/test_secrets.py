"""What `mask` knows, and for how long."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable
from threading import Thread
from typing import Final
from urllib.parse import quote

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

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


_LONG: Final = "key-7f3a9c21e5b84d06a1c2d3e4"


@pytest.mark.parametrize("place", range(3, len(_LONG) - 2))
@pytest.mark.parametrize("between", ["\n", '", "b": "', "\\n", " and much later, in another sentence: "])
def test_a_secret_that_is_split_in_two_is_masked_wherever_it_is_split(place: int, between: str) -> None:
    remember(_LONG)
    shown = mask(f"a: {_LONG[:place]}{between}{_LONG[place:]}.")
    assert shown == f"a: ***{between}***."


@pytest.mark.parametrize(
    "form", [quote, lambda text: text.encode().hex(), lambda text: b64encode(text.encode()).decode()]
)
def test_so_it_is_in_other_encodings(form: Callable[[str], str]) -> None:
    secret = "Zürich/92 f4+c81a07d9"
    remember(secret)
    whole = form(secret)
    for place in range(3, len(whole) - 2):
        assert mask(f"<{whole[:place]}\n{whole[place:]}>") in ("<***\n***>", "<***>")


def test_of_a_secret_that_was_cut_the_longer_half_is_masked() -> None:
    remember(_LONG)
    assert mask(f"got {_LONG[:20]}... cut") == "got ***... cut"
    assert mask(f"got ...{_LONG[-14:]}") == "got ...***"


def test_several_parts_of_several_secrets() -> None:
    remember(_LONG)
    other = _LONG[:15] + "0" * 12
    remember(other)
    text = f"{_LONG[:16]} {_LONG[:17]} {_LONG[17:]} {_LONG[16:]} {other[:18]}|{other[18:]}"
    assert mask(text) == "*** *** *** *** ***|***"


@given(st.text("abAB01-_%", min_size=16, max_size=40), st.data())
def test_no_part_of_a_split_secret_that_counts_is_left(secret: str, data: st.DataObject) -> None:
    remember(secret)
    half = (len(secret) + 1) // 2
    assume(all(half >= 16 or any(map(str.isdigit, part)) for part in (secret[:half], secret[-half:])))
    place = data.draw(st.integers(1, len(secret) - 1))
    shown = mask(f"<{secret[:place]}|{secret[place:]}>")
    assert secret[:half] not in shown
    assert secret[-half:] not in shown


@pytest.mark.parametrize("between", ["\n", " ", "\\r\\n", '" + "', "\n    | "])
def test_a_short_secret_is_masked_where_it_is_broken(between: str) -> None:
    remember("hunter2-ok")
    for place in range(1, 10):
        assert (
            mask(f"in hunter, hunter2: {'hunter2-ok'[:place]}{between}{'hunter2-ok'[place:]}!")
            == "in hunter, hunter2: ***!"
        )


def test_halves_of_short_and_of_personal_values_are_words() -> None:
    remember("password-9")
    remember("key-in-the-greenhouse")
    remember_passing("somebody@mail.example.test", parts=False)
    assert mask("the password of mail.example.test") == "the password of mail.example.test"
    assert mask("the-greenhouse; key-in- the-greenhouse") == "the-greenhouse; ***"
    assert mask("for somebody@mail.example.test") == "for ***"


def test_tokens_that_pass_are_masked_in_parts_until_they_are_forgotten() -> None:
    token = "eyJhbGc1OiJub25lIn0.e30.1"
    remember_passing(token)
    assert mask(f"{token[:13]} {token[13:]}") == "*** ***"
    for number in range(300):
        remember_passing(f"another-{number:04}")
    assert mask(f"{token[:13]} {token[13:]}") == f"{token[:13]} {token[13:]}"
