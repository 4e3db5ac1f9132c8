"""The catalogue of faults: what may go wrong, what must come of it, and the scenes and tests that show it.

`scripts/faults` runs all of it and prints a table; `tests/test_catalogue.py` runs it as a part of the tests.

row         one fault: its scenes, its tests, or why it is not promised
network, statuses, paging, values, meaning, crashes, privacy        the rows, by the letter of their ids
things      the API of all scenes
scene       a scene: what the API does, and what must come of it
play        a scene played through headrace or stock dlt, judged by the simulator's ledger
stage       a process that forks for each scene
report      all of it run, as a table
"""
