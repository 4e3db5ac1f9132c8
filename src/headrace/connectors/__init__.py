"""Finished sources, declared on the configuration format."""
