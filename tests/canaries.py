"""Canaries: values that come in no other place, rows that hold them, and the search for them in files."""

from __future__ import annotations

import gzip
import json
import os
import re
from collections.abc import Iterator
from contextlib import suppress
from hashlib import blake2b
from pathlib import Path
from random import Random
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

CANARY = "canary"
KEY = "fedcba9876543210" * 2


def hashed(text: str) -> str:
    return blake2b(text.encode(), key=KEY.encode(), digest_size=16).hexdigest()


def contents(folder: Path) -> Iterator[bytes]:
    """What stands in the files below `folder`, unpacked where it is packed; files may go meanwhile."""
    for place, _, names in os.walk(folder):
        for name in names:
            with suppress(FileNotFoundError):
                data = Path(place, name).read_bytes()
                if data[:2] == b"\x1f\x8b":
                    with suppress(EOFError, OSError):
                        data = gzip.decompress(data)
                if data[:4] == b"PAR1" == data[-4:]:
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
