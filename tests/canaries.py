"""Canaries: values that come in no other place, an API and rows that hold them, and the search for them in files."""

from __future__ import annotations

import gzip
import json
import os
import re
import zlib
from collections.abc import Callable, Iterator
from contextlib import suppress
from hashlib import blake2b
from pathlib import Path
from random import Random
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from headrace.sim.message import Reply, Request

CANARY = "canary"
KEY = "fedcba9876543210" * 2


PEOPLE = 6
PAGE = 2
#: As long as a page must be for batches to be written while others are still to come.
PADDING = "x" * 150_000


def mail(number: int) -> str:
    return f"Kim.{CANARY}{number}@example.com"


def person(number: int) -> dict[str, Any]:
    return {
        "id": number,
        "mail": mail(number),
        "at": f"2026-01-0{number + 1}T00:00:00Z",
        "client": {"ip": f"{CANARY}-ip-{number}", "os": "Linux"},
        "aliases": [f"{CANARY}-alias-{number}-{n}" for n in range(number % 3)],
        "to": [{"mail": mail((number + 1) % PEOPLE), "name": f"{CANARY} {number}"}],
        "vars": {"order": number, "code": f"{CANARY}-code"} if number % 2 else None,
        "token": f"{CANARY}-token-{number}",
        "padding": PADDING,
    }


def letters(number: int) -> list[dict[str, Any]]:
    return [
        {"id": f"{number}-{n}", "recipient": mail(number), "at": f"2026-02-0{n + 1}T00:00:00Z", "n": n}
        for n in range(1 + number % 3)
    ]


def api(look: Callable[[], None] = lambda: None) -> Callable[[Request], Reply]:
    """`/people` and `/others` in pages, `/people/<mail>/letters`; `look` is called before each answer."""

    def answer(request: Request) -> Reply:
        look()
        parts = request.path.strip("/").split("/")
        if len(parts) == 3:
            number = next((n for n in range(PEOPLE) if mail(n) == parts[1]), None)
            if number is None:
                return Reply(404, json.dumps({"message": f"no such person: {parts[1]}"}).encode())
            since = request.param("since") or ""
            items = [letter for letter in letters(number) if letter["at"] >= since]
            return Reply(body=json.dumps({"items": items}).encode())
        page = int(request.param("page") or 0)
        numbers = range(PEOPLE)[page * PAGE : (page + 1) * PAGE]
        following = str(page + 1) if numbers.stop < PEOPLE else None
        return Reply(body=json.dumps({"items": [person(n) for n in numbers], "next": following}).encode())

    return answer


PERSONAL = ["mail", "client.ip", "aliases", "to[*].mail", "vars"]


def config(url: str, privacy: str, *, incremental: bool = True, **people: Any) -> dict[str, Any]:
    paged = {
        "data_selector": "items",
        "paginator": {"type": "cursor", "cursor_param": "page", "cursor_path": "next"},
    }
    hidden = {"personal": PERSONAL, "private": ["to.name"], "secrets": ["token"]}
    watermark: dict[str, Any] = {"incremental": {"cursor_path": "at", "start_param": "since", "per_parent": True}}
    return {
        "client": {"base_url": url, "retry": {"max_retries": 0}},
        "privacy": privacy,
        "privacy_key": KEY,
        "resource_defaults": {"primary_key": "id", "write_disposition": "merge"},
        "resources": [
            {"name": "people", "endpoint": {"path": "people", **paged}, **hidden, **people},
            # the second resource of a table waits on disk for the first
            {"name": "others", "table_name": "people", "endpoint": {"path": "others", **paged}, **hidden},
            {
                "name": "letters",
                "include_from_parent": ["id", "mail"],
                "personal": ["recipient"],
                "endpoint": {
                    "path": "people/{resources.people.mail}/letters",
                    "data_selector": "items",
                    "paginator": "single_page",
                    **(watermark if incremental else {}),
                },
            },
        ],
    }


def rows(*found: Any) -> bytes:
    return json.dumps({"items": found}).encode()


def hashed(text: str) -> str:
    return blake2b(text.encode(), key=KEY.encode(), digest_size=16).hexdigest()


def contents(folder: Path) -> Iterator[bytes]:
    """What stands in the files below `folder`, unpacked where it is packed; files may go meanwhile."""
    for place, _, names in os.walk(folder):
        for name in names:
            with suppress(FileNotFoundError):
                data = Path(place, name).read_bytes()
                if data[:2] == b"\x1f\x8b":
                    with suppress(EOFError, OSError, zlib.error):
                        data = gzip.decompress(data)
                if data[:4] == b"PAR1" == data[-4:]:
                    with suppress(pa.ArrowInvalid):  # it is being written
                        yield str(pq.read_table(pa.BufferReader(data)).to_pylist()).encode()
                yield data


def found_in(folder: Path) -> set[bytes]:
    """Canaries in the files below `folder`, the first letters of each."""
    return {found for data in contents(folder) for found in re.findall(CANARY.encode() + b".{0,8}", data)}


class Drawn:
    """Rows of one drawn shape: some leaves hold canaries, in one of the classes each, the others plain words."""

    def __init__(self, seed: int) -> None:
        self.dice = Random(seed)
        self.classes: dict[str, list[str]] = {"personal": [], "private": [], "secrets": []}
        self.plain: list[str] = []
        self.hashed: list[str] = []
        self._count = 0
        shape = self._shape("", 0)
        self.rows = [{"id": number, **self._object(shape)} for number in range(40)]
        self.bodies = [json.dumps(row, ensure_ascii=self.dice.random() < 0.5) for row in self.rows]

    def _shape(self, path: str, depth: int) -> dict[str, Any]:
        """Key -> kind of value, its class, and the shape of what is in it."""
        shape: dict[str, Any] = {}
        for key in self.dice.sample(["to", "client-info", "userId", "a b", "été", "ip"], 3 if depth else 5):
            below = f"{path}.{key}" if path else key
            kind = self.dice.choice(["text", "text", "list", "object", "objects"] if depth < 2 else ["text", "list"])
            named = self.dice.choice([*self.classes, None])
            whole = kind in ("text", "list") or self.dice.random() < 0.3
            if whole and named:
                self.classes[named].append(below)
            inner = self._shape(below, depth + 1) if kind.startswith("object") and not (whole and named) else None
            shape[key] = (kind, named if whole else None, inner)
        return shape

    def _object(self, shape: dict[str, Any]) -> dict[str, Any]:
        return {key: self._value(*said) for key, said in shape.items() if self.dice.random() < 0.9}

    def _value(self, kind: str, named: str | None, inner: Any) -> Any:
        if self.dice.random() < 0.1:
            return None
        if kind == "list":
            return [self._text(named) for _ in range(self.dice.randrange(3))]
        if kind == "text":
            return self._text(named)
        if inner is None:
            # hashed or dropped whole
            value = {"at": self._text("private" if named else None), "n": [1, {"x": None}]}
            if named == "personal":
                self.hashed.append(json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False))
            return [value] if kind == "objects" else value
        return [self._object(inner) for _ in range(2)] if kind == "objects" else self._object(inner)

    def _text(self, named: str | None) -> str:
        self._count += 1
        odd = self.dice.choice(["", "é", '"', "\\", "🌷"])
        text = f"{CANARY if named else 'word'}-{self._count}{odd}"
        if named == "personal":
            self.hashed.append(text)
        if named is None:
            self.plain.append(text)
        return text
