"""I: what incremental loading means."""

from __future__ import annotations

from catalogue.row import Row

ROWS = (
    Row(
        "I01",
        "event appears behind the watermark",
        tests=(
            "test_windows_mailgun.py::test_runs_over_days_end_with_every_row",
            "test_windows_mailgun.py::test_later_than_all_is_found_by_looking_far_back",
        ),
    ),
    Row(
        "I02",
        "ties on the watermark across a border",
        tests=(
            "test_plan_window.py::test_no_edge_loses_a_row",
            "test_bridge_incremental.py::test_runs_go_on_where_the_last_one_ended",
        ),
    ),
    Row(
        "I03",
        "a future timestamp in the data",
        tests=(
            "test_bridge_windows.py::test_each_row_once_whatever_is_cut",
            "test_plan_window.py::test_what_a_run_lists_and_remembers",
        ),
    ),
    Row(
        "I04",
        "local clock wrong by a day, or jumps",
        tests=(
            "test_transport_retry_after.py::test_a_date_is_measured_by_the_servers_own_clock",
            "test_transport_quota.py::test_a_wrong_clock_of_ours_does_not_matter",
            "test_bridge_clock.py",
        ),
    ),
    Row(
        "I05",
        "a suppression is deleted at the source",
        tests=(
            "test_bridge_vanished.py::test_a_bounce_that_was_deleted_is_marked_and_loses_the_mark_when_it_is_back",
            "test_bridge_vanished.py::test_a_listing_that_is_limited_marks_nothing_and_says_so",
        ),
    ),
    Row(
        "I06",
        "row changes without a new cursor value",
        tests=(
            "test_bridge_vanished.py::test_a_list_that_changes_while_it_is_paged",
            "test_engine_identity.py::test_second_run_updates_in_place",
        ),
    ),
    Row(
        "I07",
        "retention passed",
        tests=(
            "test_windows_mailgun.py::test_what_is_gone_is_said_and_told",
            "test_plan_window.py::test_a_range_that_is_gone_is_said_before_it_is_asked_for",
        ),
    ),
    Row(
        "I08",
        "back-fill overlaps the live run",
        tests=("test_windows_mailgun.py::test_a_backfill_lists_its_range_and_leaves_no_hole",),
    ),
    Row(
        "I09",
        "daily totals in another time zone",
        tests=("test_sim_shortio_statistics.py::test_days_of_a_zone_follow_its_clock",),
    ),
    Row(
        "I10",
        "state file truncated or from elsewhere",
        tests=("test_faults_state.py",),
    ),
    Row(
        "I11",
        "primary key or column type changed between runs",
        tests=(
            "test_cli_changed.py",
            "test_bridge_standing.py::test_rows_that_were_loaded_with_another_key_are_never_compared",
        ),
    ),
    Row(
        "I12",
        "aggregates still moving",
        tests=("test_bridge_windows.py::test_each_row_once_whatever_is_cut",),
        lacks="days are read again by `windows.overlap`; no flag says which may move",
    ),
)
