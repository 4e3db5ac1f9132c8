"""C: crashes, concurrency and local resources."""

from __future__ import annotations

from catalogue.row import Row

FAULTS = {
    "C01": "`kill -9` at every durable step",
    "C02": "Ctrl-C, SIGTERM, a second Ctrl-C",
    "C03": "power loss: unsynced writes dropped",
    "C04": "out of memory",
    "C05": "disk full in staging",
    "C06": "disk full in the destination",
    "C07": "read-only directory",
    "C08": "two runs of one pipeline on one host",
    "C09": "two hosts, one remote destination",
    "C10": "DuckDB file open in another process",
    "C11": "destination killed in mid commit",
    "C12": "a worker dies in a run of several machines",
    "C13": "no file descriptors, no threads, no /tmp",
    "C14": "schema migration fails half-way",
    "C15": "state of an older or newer release",
    "C16": "run inside a thread of an orchestrator",
    "C17": "clock goes back during a lease",
}
#: Row -> the tests that show it. What has none yet is open.
TESTS: dict[str, tuple[str, ...]] = {
    "C01": (
        "test_crash_points.py",
        "test_faults_bucket.py",
        "test_faults_postgres.py::test_a_run_that_is_killed_behind_the_end_of_a_transaction",
        "test_keep_pages.py",
        "test_trials.py",
        "test_cli_target.py",
    ),
    "C02": (
        "test_cli_process.py::test_a_page_under_way_is_kept_when_a_signal_comes",
        "test_cli_process.py::test_a_signal_ends_a_run_within_seconds_and_says_how_to_continue",
        "test_cli_process.py::test_a_signal_ends_a_load_within_seconds_and_what_was_fetched_is_kept",
    ),
    "C03": (
        "test_faults_power.py",
        "test_keep_checkpoint.py",
        "test_faults_postgres.py::test_a_machine_that_loses_power_while_the_database_does_not",
        "test_keep_pages.py::test_a_torn_end_is_cut_and_a_damaged_page_is_asked_for",
    ),
    "C04": ("test_faults_shortage.py::test_no_more_memory", "test_keep_attempts.py", "test_trials.py"),
    "C05": ("test_crash_points.py::test_refused_at_a_step",),
    "C06": ("test_crash_points.py::test_a_destination_whose_disk_is_full", "test_faults_full.py"),
    "C07": (
        "test_faults_files.py::test_what_cannot_be_written_is_said_before_the_first_request",
        "test_faults_files.py::test_a_drive_without_locks_is_said_before_the_first_request",
    ),
    "C08": ("test_keep_lock.py", "test_cli_lock.py", "test_trials.py"),
    "C09": ("test_bridge_lease.py",),
    "C10": (
        "test_cli_texts.py::test_the_holder_of_a_lock_is_named",
        "test_cli_target.py::test_one_that_is_held_is_waited_for_and_the_holder_is_named",
    ),
    "C11": ("test_faults_postgres.py", "test_crash_points.py::test_ended_at_the_commit", "test_trials.py"),
    "C13": (
        "test_faults_network.py::test_few_file_descriptors",
        "test_faults_shortage.py::test_no_more_threads",
        "test_faults_shortage.py::test_no_temporary_folder",
        "test_faults_shortage.py::test_no_temporary_folder_is_said",
    ),
    "C14": (
        "test_crash_points.py::test_a_migration_that_fails_half_way",
        "test_faults_postgres.py::test_a_migration_that_fails_half_way",
    ),
    "C15": ("test_faults_state.py::test_harm_to_the_state_file_loses_and_doubles_nothing",),
    "C16": ("test_faults_threads.py",),
    "C17": ("test_bridge_lease.py::test_one_that_was_stalled_beyond_its_lease_loads_no_further_package",),
}
#: Row -> what of its requirement is not there.
LACKS = {
    "C04": "where no memory is left in which a thread can begin, CPython waits for it for ever; ended from outside, "
    "the run is gone on with",
    "C10": "a run that finds the database held asks for nothing meanwhile: it waits (`--wait`), or ends with exit code "
    "75",
}
#: There is nothing in which it could happen.
ABSENT = {"C12": "a run is one process"}


def _row(name: str, fault: str) -> Row:
    if name in ABSENT:
        return Row(name, fault, standing="absent", reason=ABSENT[name])
    if name not in TESTS:
        return Row(name, fault, standing="open", reason="not shown yet")
    return Row(name, fault, tests=TESTS[name], lacks=LACKS.get(name, ""))


ROWS = tuple(_row(name, fault) for name, fault in FAULTS.items())
