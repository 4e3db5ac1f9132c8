"""Clicks with the link that each went through, as a view: clicks have no id of a link.

A click names a host and a path. Its link is the one of that domain and path that was created last before the click,
unless it was found gone by then; paths are compared as the domain does, with or without regard to case. A path may be
used again, so the last one counts, not any. A link that vanished between two listings is gone from the listing on that
marked it, not before; and one that was gone before the first listing is nobody's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import dlt

#: The name of the view.
VIEW: Final = "clicks_with_links"
_NEEDED: Final = ("clicks", "links", "domains")
_QUERY: Final = """
SELECT c.*, (
    SELECT CASE WHEN l._deleted_at IS NULL OR l._deleted_at > c.dt THEN l.id_string END
    FROM {links} l JOIN {domains} d ON d.id = l.domain_id
    WHERE l.domain_id = c.domain_id AND l.created_at <= c.dt
    AND CASE WHEN d.case_sensitive THEN '/' || l.path = c.path ELSE '/' || l.lcpath = c.lcpath END
    ORDER BY l.created_at DESC, l.id_string DESC LIMIT 1
) AS link_id
FROM {clicks} c
"""


def create_view(pipeline: dlt.Pipeline) -> bool:
    """Make the view `clicks_with_links` anew in the dataset of `pipeline`; whether it was made.

    It is not where the destination has no SQL, or where clicks, links or domains were never loaded. Raises what dlt
    raises where the destination cannot be reached.
    """
    from headrace.bridge.first import sql_client  # brings dlt, which is slow to import

    schema = pipeline.default_schema
    if any(not schema.tables.get(name, {}).get("columns", {}).get("_dlt_id") for name in _NEEDED):
        return False
    client = sql_client(pipeline)
    if client is None:
        return False
    with client as sql:
        tables = {name: sql.make_qualified_table_name(name) for name in _NEEDED}
        view = sql.make_qualified_table_name(VIEW)
        sql.execute_sql(f"DROP VIEW IF EXISTS {view}")
        sql.execute_sql(f"CREATE VIEW {view} AS {_QUERY.format(**tables)}")
    return True
