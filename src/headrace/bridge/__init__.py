"""Plans become dlt sources: resources, tables, state, secrets. With three files of `command`, all that imports dlt."""
