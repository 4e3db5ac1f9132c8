"""Cases are data: pytest collects nothing here."""

collect_ignore_glob = ["*"]
