"""N: the network and the transport."""

from __future__ import annotations

import gzip
import json
from typing import Any

from catalogue.row import Row
from catalogue.scene import Scene, once, passing

#: What one answer may take beyond an ordinary run, in MiB; the promise is 512 for any single answer.
BOUNDED: dict[str, Any] = {"memory_mib": 512}
TOO_LARGE = r"got more than the 268435456 (decompressed )?bytes that a page may have \(`max_page_bytes`\)"
AGAIN = r"hint: ask for smaller pages, or raise `max_page_bytes`"
SHORT = {"client": {"limits": {"timeout_s": 0.5}, "retry": {"max_retries": 4, "backoff_factor": 0}}}
NO_WHOLE = r"no whole answer after \d attempts in [\d.]+ s: last one "
TWICE_ZIPPED = gzip.compress(gzip.compress(json.dumps({"items": []}).encode()))

ROWS = (
    Row(
        "N01",
        "connection refused for 30 s, then up",
        tests=(
            "test_faults_network.py::test_a_host_that_is_down_for_a_while",
            "test_transport_wire.py::test_nobody_listening_is_named",
        ),
    ),
    Row(
        "N02",
        "DNS: no such name, or no answer, then fine",
        tests=(
            "test_faults_network.py::test_a_name_that_is_not_found",
            "test_faults_network.py::test_a_name_that_is_not_found_at_first",
        ),
    ),
    Row(
        "N03",
        "the DNS answer changes to a private address",
        tests=(
            "test_faults_network.py::test_of_public_and_private_addresses_only_the_public_ones_are_asked",
            "test_faults_network.py::test_a_name_that_is_led_inside_in_mid_run_is_refused",
        ),
    ),
    Row(
        "N04", "reset before the answer", passing("reset", "reset", NO_WHOLE + "lost the connection before the answer")
    ),
    Row("N05", "reset in mid body", passing("reset", "reset_body", NO_WHOLE + "got a body that ends early")),
    Row("N06", "end in mid body, length known", passing("end", "cut_body", NO_WHOLE + "got a body that ends early")),
    Row("N07", "Content-Length too long", passing("longer", "long_length", NO_WHOLE + "got a body that ends early")),
    Row(
        "N08",
        "Content-Length too short",
        passing("shorter", "short_length", "expected JSON|got something that is no HTTP answer|ends early"),
    ),
    Row(
        "N09",
        "chunked body cut",
        (
            *passing("in a chunk", "cut_chunked", NO_WHOLE + "got a body that ends early"),
            *passing("between chunks", "cut_chunked", NO_WHOLE + "got a body that ends early", mid_chunk=False),
        ),
    ),
    Row("N10", "body without length cut", passing("cut", "cut_unknown", "expected JSON, got .*")),
    Row(
        "N11",
        "gzip stream corrupt",
        passing("corrupt", "gzip_corrupt", NO_WHOLE + "got a damaged compressed body", times=1),
    ),
    Row(
        "N12",
        "gzip stream truncated",
        passing("cut", "gzip_cut", NO_WHOLE + "got a compressed body without its end", times=1),
    ),
    Row(
        "N13",
        "decompression bomb, 1 MiB to 1 GiB; nested",
        (
            Scene("gzip, 1 GiB", once("bomb", times=None), error=f"{TOO_LARGE}.*\n{AGAIN}", **BOUNDED),
            Scene(
                "gzip in gzip",
                once("body", times=None, data=TWICE_ZIPPED, coding="gzip, gzip"),
                error="got content coding 'gzip, gzip', expected gzip",
                stock=False,
            ),
            Scene(
                "zstd",
                once("body", times=None, data=b"(\xb5/\xfd", coding="zstd"),
                error="got content coding 'zstd', expected gzip",
            ),
        ),
        tests=(
            "test_transport_decompress.py::test_a_bomb_stops_at_the_limit",
            "test_transport_decompress.py::test_a_million_members_are_refused",
        ),
    ),
    Row(
        "N14",
        "Content-Encoding lies, or names an unknown coding",
        (
            *passing("plain as gzip", "coding", "got a damaged compressed body", times=1),
            *passing("plain as br", "coding", "got content coding 'br', expected gzip", times=1, coding="br"),
        ),
    ),
    Row(
        "N15",
        "a plain page of 2 GB",
        (
            Scene("blanks", once("flood", times=None), error=f"{TOO_LARGE}.*\n{AGAIN}", **BOUNDED),
            Scene(
                "200 MiB of numbers as rows",
                once("flood", times=None, mib=200, piece=b"1,", end=b"1]}"),
                error=r"got more than [\d,]+ .* page",
                stock=False,
                **BOUNDED,
            ),
            Scene(
                "200 MiB of empty rows",
                once("flood", times=None, mib=200, piece=b"{},", end=b"{}]}"),
                error=r"got more than [\d,]+ .* page",
                stock=False,
                **BOUNDED,
            ),
            Scene(
                "200 MiB in one row",
                once("flood", times=None, mib=200, begin=b'{"items":[{"id":1,"v":[', piece=b"1,", end=b"1]}]}"),
                error=r"got more than [\d,]+ .* page",
                stock=False,
                **BOUNDED,
            ),
            Scene(
                "200 MiB of brackets",
                once("flood", times=None, mib=200, piece=b"[", end=b"]}"),
                error="got more than 3,000,000 objects and lists",
                stock=False,
                **BOUNDED,
            ),
        ),
    ),
    Row(
        "N16",
        "slow-loris body",
        passing("a byte a second", "trickle", "gave no whole answer within 0.5 s", times=1, **SHORT),
    ),
    Row("N17", "no answer at all", passing("silence", "silent", "gave no whole answer within 0.5 s", times=1, **SHORT)),
    Row(
        "N18",
        "300 ms delay, 64 kbit/s",
        (Scene("slow link", once("throttled", None, times=None)),),
        tests=("test_faults_link.py", "test_transport_slots.py"),
    ),
    Row(
        "N19",
        "keep-alive connection closed just as a request is sent",
        (Scene("after each answer", once("idle_end", None, times=None)),),
        tests=("test_transport_wire.py::test_an_idle_connection_that_died_costs_no_attempt",),
    ),
    Row(
        "N20",
        "70 kB header line, 300 headers, LF or NUL in a header",
        (
            *passing(
                "70 kB line", "head_lines", NO_WHOLE + "got something that is no HTTP answer", count=1, size=70_000
            ),
            *passing("300 headers", "head_lines", NO_WHOLE + "got something that is no HTTP answer", count=300),
            *passing(
                "NUL",
                "raw",
                NO_WHOLE + "got something that is no HTTP answer",
                stock=False,
                data=b"HTTP/1.1 200 OK\r\nX-A: a\0b\r\nContent-Length: 2\r\n\r\n{}",
            ),
            *passing(
                "bare LF",
                "raw",
                "no HTTP answer|expected rows",
                times=1,
                stock=False,
                data=b"HTTP/1.1 200 OK\nX-A: a\nContent-Length: 2\n\n{}",
            ),
        ),
    ),
    Row(
        "N21",
        "a second answer that nobody asked for",
        (Scene("after each answer", once("smuggled", None, times=None)),),
        tests=("test_transport_wire.py::test_a_smuggled_second_answer_reaches_nobody",),
    ),
    Row(
        "N22",
        "interim answers without end, HTTP/0.9, absurd status",
        (
            Scene("1,000 interim answers", once("interim", times=1)),
            Scene(
                "interim answers for ever",
                once("interim", times=None, count=None),
                error="gave no whole answer within 0.5 s",
                stock=False,
                **SHORT,
                **BOUNDED,
            ),
            *passing("HTTP/0.9", "raw", NO_WHOLE + "got something that is no HTTP answer", data=b'{"items": []}'),
            *passing("absurd", "raw", NO_WHOLE + "got something that is no HTTP answer"),
            Scene("status 999", once("status", times=None, status=999), error="expected 200, got 999"),
        ),
    ),
    Row(
        "N23",
        "TLS: expired, self-signed, wrong host, old, plain HTTP on its port",
        tests=(
            "test_faults_tls.py::test_a_certificate_that_cannot_be_trusted",
            "test_faults_tls.py::test_a_broken_handshake",
            "test_faults_tls.py::test_an_old_version_is_not_spoken",
        ),
    ),
    Row(
        "N24",
        "proxies, netrc and bundles set by someone else",
        (
            Scene(
                "environment",
                environ={
                    "HTTP_PROXY": "http://127.0.0.1:9",
                    "http_proxy": "http://127.0.0.1:9",
                    "ALL_PROXY": "http://127.0.0.1:9",
                    "NO_PROXY": "",
                    "REQUESTS_CA_BUNDLE": "/nowhere",
                    "CURL_CA_BUNDLE": "/nowhere",
                },
            ),
        ),
        tests=("test_faults_network.py::test_a_netrc_entry_replaces_nothing",),
    ),
    Row(
        "N25",
        "a server that takes two connections; few file descriptors",
        tests=(
            "test_faults_network.py::test_a_server_that_takes_two_connections",
            "test_faults_network.py::test_few_file_descriptors",
            "test_transport_slots.py",
        ),
    ),
    Row("N26", "HTTP/2 GOAWAY in mid page", standing="absent", reason="HTTP/1.1 is spoken, HTTP/2 is not offered"),
    Row(
        "N27",
        "the other host vanished, half-open connection",
        passing("in mid body", "stall", "gave no whole answer within 0.5 s", times=1, **SHORT),
    ),
)
