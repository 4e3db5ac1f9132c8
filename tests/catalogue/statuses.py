"""H: statuses and rate limits."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from catalogue.row import Row
from catalogue.scene import Scene, once, passing
from catalogue.things import Things
from headrace.sim.faults import Fault

NO_WHOLE = r"no whole answer after \d attempts? in [\d.]+ s: last one "

ROWS = (
    Row(
        "H01",
        "429 without Retry-After",
        passing("429", "429", NO_WHOLE + "got 429", times=3),
        tests=("test_transport_gates.py::test_the_rest_of_a_host_is_shared",),
    ),
    Row(
        "H02",
        "429, Retry-After in seconds",
        passing("1 s", "429", "got 429", times=1, retry_after=1)[:1],
        tests=("test_transport_gates.py::test_the_rest_of_a_host_is_shared",),
    ),
    Row(
        "H03",
        "429, Retry-After as a date",
        passing("a date", "429", "got 429", times=1, retry_after=timedelta(seconds=1))[:1],
        tests=("test_transport_retry_after.py::test_a_date_is_measured_by_the_servers_own_clock",),
    ),
    Row(
        "H04",
        "Retry-After: 999999999",
        (
            Scene(
                "for ever",
                once("429", times=None, retry_after=999_999_999),
                error=r"asks for 999999999 s of rest.*\nhint: try again after \d{4}-",
                exit_code=75,
            ),
        ),
        tests=("test_transport_gates.py::test_a_rest_beyond_the_bound_ends_at_once",),
    ),
    Row(
        "H05",
        "Retry-After that is none",
        (
            *(
                Scene(words, once("429", times=2, retry_after=value))
                for words, value in (("negative", "-5"), ("a word", "soon"))
            ),
            Scene("a fraction", once("429", times=1, retry_after="0.5")),
            Scene("two", once("429", times=1, headers=[("Retry-After", "1"), ("Retry-After", "0")])),
        ),
        tests=("test_transport_retry_after.py::test_any_text_gives_a_rest_or_none",),
    ),
    Row(
        "H06",
        "429 for ever",
        passing("429", "429", NO_WHOLE + "got 429")[1:],
        tests=("test_transport_retry.py::test_the_time_ends_it_and_the_last_attempt_is_at_its_end",),
    ),
    Row(
        "H07",
        "nothing remains, said on a 200",
        (
            Scene(
                "two windows",
                once(
                    "headers",
                    1,
                    headers=[("X-RateLimit-Limit", "2"), ("X-RateLimit-Remaining", "0"), ("X-RateLimit-Reset", "1")],
                ),
            ),
        ),
        tests=(
            "test_transport_budget.py::test_answers_in_any_order_never_overdraw",
            "test_transport_limited.py::test_a_known_limit_is_used_and_kept",
        ),
    ),
    Row(
        "H08",
        "502 and 503 with an HTML body",
        (
            *passing("502", "502", NO_WHOLE + "got 502 Bad Gateway"),
            *passing("503", "503", NO_WHOLE + "got 503 Service Unavailable"),
        ),
    ),
    Row(
        "H09",
        "503 for 10 minutes",
        tests=(
            "test_faults_network.py::test_a_host_that_is_down_for_a_while",
            "test_faults_network.py::test_an_outage_that_outlasts_the_time_is_an_error",
            "test_transport_retry.py::test_without_a_count_an_outage_is_waited_for",
        ),
    ),
    Row(
        "H10",
        "408, 425, 421",
        tuple(
            scene
            for status in (408, 425, 421)
            for scene in passing(f"{status}", "status", NO_WHOLE + f"got {status}", status=status)
        ),
    ),
    Row(
        "H11",
        "401 in mid run",
        (
            Scene(
                "for ever",
                once("status", times=None, status=401),
                error=r"expected 200, got 401 Unauthorized .*\nhint: check the key",
                exit_code=3,
            ),
        ),
        tests=("test_transport_auth.py::test_a_401_renews_the_token_once", "test_transport_stored.py"),
    ),
    Row(
        "H12",
        "401, 403, 400 on one domain of many",
        tests=(
            "test_bridge_skip.py::test_one_bad_domain_does_not_stop_the_others",
            "test_bridge_skip.py::test_a_watermark_stays_until_the_call_is_done",
            "test_bridge_skip_undeclared.py::test_what_rows_of_a_parent_lead_to_is_skipped_without_being_declared",
            "test_bridge_skip_mailgun.py::test_each_refusal_is_told_and_the_others_are_loaded",
        ),
    ),
    Row(
        "H13",
        "404 for a child deleted between list and read",
        tests=(
            "test_bridge_vanished.py::test_rows_of_a_parent_that_is_gone",
            "test_bridge_skip_undeclared.py::test_what_rows_of_a_parent_lead_to_is_skipped_without_being_declared",
        ),
    ),
    Row(
        "H14",
        "200 with an HTML login page",
        passing("login page", "html", "expected JSON, got an HTML or XML page.*\nhint: a login page", times=1),
    ),
    Row(
        "H15",
        "200 with an error object",
        passing(
            "error",
            "error_object",
            "an error object in an answer with a status of success: `error`: internal error",
            times=1,
        ),
    ),
    Row("H16", "204 in mid run", passing("204", "204", "expected JSON, got an empty body with status 204", times=1)),
    Row(
        "H17",
        "200, empty body",
        passing("empty", "empty_body", "expected JSON, got an empty body with status 200", times=1),
    ),
    Row(
        "H18",
        "302 to another host",
        (
            Scene(
                "for ever",
                lambda foreign: [Fault("redirect", 2, times=None, url=f"{foreign}/things")],
                error=r"expected an address at http://127.0.0.1:\d+, got GET .*\nhint: a link or redirect leads out",
            ),
        ),
    ),
    Row(
        "H19",
        "redirect loop; a redirect that turns POST into GET",
        (Scene("loop", once("redirect", times=None), error="a loop or more than 5 redirects"),),
        tests=(
            "test_transport_refusals.py::test_a_bad_redirect_is_refused",
            "test_transport_refusals.py::test_five_redirects_are_enough",
        ),
    ),
    Row(
        "H20",
        "https to http by a redirect or a link",
        tests=(
            "test_transport_refusals.py::test_a_bad_redirect_is_refused",
            "test_transport_refusals.py::test_a_link_to_a_foreign_origin_is_refused",
        ),
    ),
    Row(
        "H21",
        "retry of a POST that reads",
        (
            *(
                replace(
                    scene,
                    things=lambda: Things(paging="post"),
                    resource={"endpoint": {"idempotent": True}},
                    stock=False,
                )
                for scene in passing("declared", "status", "no whole answer after 4 attempts", status=503)
            ),
            *(
                replace(scene, things=lambda: Things(paging="post"))
                for scene in passing("not declared, 429", "429", "no whole answer after 4 attempts", retry_after=0)
            ),
            Scene(
                "not declared, 503",
                once("status", status=503),
                things=lambda: Things(paging="post"),
                error="no whole answer after 1 attempt: last one got 503 .*\nhint: it is not asked again",
            ),
        ),
        tests=(
            "test_transport_retry.py",
            "test_transport_wire.py::test_a_request_that_may_be_made_once_has_a_connection_of_its_own",
        ),
    ),
    Row(
        "H22",
        "wrong region",
        (
            Scene(
                "401",
                once("status", 0, times=None, status=401),
                error="a key of another region or account is refused as well",
                exit_code=3,
            ),
        ),
    ),
    Row(
        "H23",
        "500 that depends on the page size",
        standing="not promised",
        reason="the run ends with the status and the address; the page size is an option",
    ),
)
