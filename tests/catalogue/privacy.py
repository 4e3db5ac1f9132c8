"""S: security and privacy."""

from __future__ import annotations

from catalogue.row import Row
from catalogue.scene import Scene, once
from catalogue.things import KEY

ROWS = (
    Row(
        "S01",
        "secret in the query under an unusual name",
        (
            Scene(
                "refused",
                once("status", times=None, status=400),
                client={
                    "auth": {"type": "api_key", "name": "sig", "location": "query", "api_key": 'dlt.secrets["api_key"]'}
                },
                error="401|400",
                exit_code=3,
            ),
        ),
        tests=("test_secrets.py", "test_transport_refusals.py::test_a_failed_attempt_does_not_show_the_signed_address"),
    ),
    Row(
        "S02",
        "debug logging on",
        (
            Scene(
                "dlt's log and tracebacks",
                once("status", times=None, status=400),
                environ={"RUNTIME__LOG_LEVEL": "DEBUG", "HEADRACE_TRACEBACK": "1"},
                error="400",
                exit_code=3,
            ),
        ),
    ),
    Row(
        "S03",
        "secret in a trace or state file",
        (Scene("failed run", once("status", times=None, status=403), error="403", exit_code=3),),
        tests=(
            "test_bridge_secrets.py::test_dlts_trace_holds_no_secret",
            "test_config_reference.py::test_no_secret_in_a_pickle_of_the_configuration",
        ),
    ),
    Row(
        "S04",
        "server echoes the key",
        (
            Scene(
                "in its error",
                once("status", times=None, status=400, content=f"bad key {KEY} {KEY.encode().hex()}"),
                error=r"bad key \*\*\*",
                exit_code=3,
            ),
        ),
    ),
    Row(
        "S05",
        "modes of files",
        tests=(
            "test_faults_files.py::test_files_of_a_run_are_for_their_owner_alone",
            "test_faults_files.py::test_secrets_that_everybody_can_read_are_refused",
        ),
    ),
    Row(
        "S06",
        "credentials across hosts",
        tests=(
            "test_transport_refusals.py::test_a_link_to_a_foreign_origin_is_refused",
            "test_transport_refusals.py::test_redirects_inside_the_origins_are_followed_and_signed",
            "test_transport_session.py::test_redirects_stay_ours",
        ),
    ),
    Row(
        "S07",
        "configuration from a stranger",
        standing="not promised",
        reason="a configuration is trusted like a program: it names hosts, files and, in Python, code",
    ),
    Row(
        "S08",
        "configuration that runs code",
        tests=(
            "test_faults_files.py::test_a_file_cannot_run_code",
            "test_config_phrases.py::test_any_junk_at_any_place_is_taken_or_told",
        ),
    ),
    Row(
        "S09",
        "`../` in names",
        tests=("test_faults_files.py::test_names_are_no_paths",),
    ),
    Row(
        "S10",
        "personal data on a disk",
        tests=(
            "test_bridge_privacy.py::test_no_personal_value_touches_a_disk",
            "test_bridge_privacy_errors.py",
            "test_bridge_privacy.py::test_joins_by_hash_are_joins_by_value",
        ),
    ),
    Row(
        "S11",
        "secrets inside the data",
        tests=("test_plan_privacy.py", "test_sim_mailgun_service.py::test_only_the_old_list_has_secrets"),
    ),
    Row("S12", "escapes and formulas in a value", tests=("test_cli_texts.py::test_a_cell_cannot_steer_the_terminal",)),
    Row("S13", "report server", standing="absent", reason="there is none; simulators listen on 127.0.0.1"),
    Row("S14", "SQL of agents or reports", standing="absent", reason="no SQL is taken from anyone"),
    Row(
        "S15",
        "pickle in state or cache",
        tests=("test_faults_files.py::test_no_run_leaves_or_reads_a_pickle",),
    ),
    Row(
        "S16",
        "first run fetches or reports something",
        tests=("test_faults_network.py::test_nobody_but_the_api_is_spoken_to",),
    ),
    Row(
        "S17",
        "dependency advisories",
        standing="not promised",
        reason="no test looks for them, because tests use no network",
    ),
    Row("S18", "forged webhook", standing="absent", reason="there are no webhooks"),
)
