"""THE COMMANDS: what `headrace` does, one file a concept; `headrace.cli` holds arguments, streams and exit codes."""
