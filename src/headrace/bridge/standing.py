"""What stands in the tables of a resource at the destination when a run begins, read by dlt's own SQL client.

Read are columns that the stored schema names, in the Arrow types in which a run writes them. Unmarked rows are only
those that this source loaded (`_dlt_loads` says by which schema): another one may write the same table.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa
from dlt.common.schema import Schema
from dlt.common.schema.utils import is_complete_column
from dlt.destinations.exceptions import DatabaseUndefinedRelation
from dlt.destinations.sql_client import WithSqlClient

from headrace.errors import UsageError
from headrace.normalise import values_to_table

if TYPE_CHECKING:
    from headrace.bridge.tables import WorkingTables

#: Rows that are read at once.
_ROWS: Final = 10_000
_PARSERS: Final = ("postgres",)
#: Values in one condition: some databases take a thousand at most.
_IN: Final = 500
Columns = Mapping[str, Any]


class Standing:
    """The rows of `tables` at the destination behind `client`, and the columns that they have in `schema`.

    Made in dlt's main thread before anything is fetched; `schema` is as the last load left it.
    """

    def __init__(self, client: Any, schema: Schema, tables: WorkingTables) -> None:
        self._client = client
        self._schema_name = schema.name
        self._names = [schema.naming.normalize_identifier(name) for name in ("load_id", "schema_name")]
        self._loads = schema.loads_table_name
        self._tables = tables
        self._columns: dict[str, Columns] = {
            name: {column: dict(facts) for column, facts in table["columns"].items() if is_complete_column(facts)}
            for name, table in schema.tables.items()
            if name in {*tables.tables()}
        }
        self._parents = {name: schema.tables[name].get("parent") for name in self._columns}

    @property
    def root(self) -> Columns:
        """The columns of the root table; empty where no load brought one."""
        return self._columns.get(self._tables.root, {})

    def unmarked(self, mark: str, names: Sequence[str], since: str | None = None) -> Iterator[pa.Table]:
        """Columns `names` of the rows of the root table without a mark, of load `since` or later ones.

        Raises `UsageError`.
        """
        root, load_id = self._tables.root, self._tables.system.load_id
        if not isinstance(self._client, WithSqlClient):
            raise self._unreadable("it has no tables that can be asked")
        try:
            with self._client.sql_client as sql:
                if not table_stands(sql, root):
                    return
                loads, by_us = sql.make_qualified_table_name(self._loads), _literal(self._schema_name, sql)
                ours, schema_name = map(sql.escape_column_name, self._names)
                loaded = f"SELECT {ours} FROM {loads} WHERE {schema_name} = {by_us}"  # noqa: S608 - names
                wanted = [f"{sql.escape_column_name(load_id)} IN ({loaded})"]
                if since is not None:
                    # ids of loads are their moments
                    wanted.append(f"{sql.escape_column_name(load_id)} >= {_literal(since, sql)}")
                if mark in self.root:
                    wanted.append(f"{sql.escape_column_name(mark)} IS NULL")
                yield from self._read(sql, root, names, " AND ".join(wanted))
        except Exception as error:
            raise self._unreadable(" ".join(str(error).split())[:200]) from error

    def rows(self, ids: Sequence[str]) -> dict[str, pa.Table]:
        """The rows of the root table with these ids, and the rows below them, by table. Raises `UsageError`."""
        system, root = self._tables.system, self._tables.root
        found: dict[str, pa.Table] = {}
        try:
            with self._client.sql_client as sql:
                for name in self._tables.tables():
                    if name not in self._columns:
                        continue
                    if name == root:
                        column, values = system.id, ids
                    else:
                        above = found.get(self._parents[name] or "")
                        values = above.column(system.id).to_pylist() if above is not None else ()
                        column = system.parent_id
                    found[name] = pa.concat_tables(
                        [self._empty(name), *self._having(sql, name, column, values)], promote_options="default"
                    )
        except Exception as error:
            raise self._unreadable(" ".join(str(error).split())[:200]) from error
        return found

    def _having(self, sql: Any, table: str, column: str, values: Sequence[str]) -> Iterator[pa.Table]:
        for at in range(0, len(values), _IN):
            listed = ", ".join(_literal(value, sql) for value in values[at : at + _IN])
            wanted = f"{sql.escape_column_name(column)} IN ({listed})"
            yield from self._read(sql, table, list(self._columns[table]), wanted)

    def _read(self, sql: Any, table: str, names: Sequence[str], wanted: str) -> Iterator[pa.Table]:
        select = ", ".join(_selected(name, self._columns[table][name], sql) for name in names)
        query = f"SELECT {select} FROM {sql.make_qualified_table_name(table)} WHERE {wanted}"  # noqa: S608
        columns = {name: self._columns[table][name] for name in names}
        with sql.execute_query(query) as cursor:
            # as Python values: each driver has Arrow of its own, if any, and an exact path is there
            while rows := cursor.fetchmany(_ROWS):
                values = (list(map(_plain, column)) for column in zip(*rows, strict=True))
                yield values_to_table(dict(zip(names, values, strict=True)), columns, self._tables)

    def _empty(self, table: str) -> pa.Table:
        columns = self._columns[table]
        return values_to_table({name: [] for name in columns}, columns, self._tables)

    def _unreadable(self, why: str) -> UsageError:
        return UsageError(
            f"expected to read the rows of table `{self._tables.root}` at the destination, among which `deletions` "
            f"looks for those that vanished, got: {why}",
            hint="load into a destination that dlt can query, with rights to read, or leave out `deletions`",
        )


def table_stands(sql: Any, table: str) -> bool:
    """Whether the table is there."""
    try:
        sql.execute_sql(f"SELECT 1 FROM {sql.make_qualified_table_name(table)} WHERE 1 = 0")  # noqa: S608
    except DatabaseUndefinedRelation:
        return False
    return True


def _selected(name: str, column: Mapping[str, Any], sql: Any) -> str:
    """A column as it is selected; JSON as text where the driver would parse it, and a text in it lose its quotes."""
    escaped = str(sql.escape_column_name(name))
    is_parsed = column["data_type"] == "json" and sql.capabilities.sqlglot_dialect in _PARSERS
    return f"CAST({escaped} AS TEXT)" if is_parsed else escaped


def _plain(value: Any) -> Any:
    return bytes(value) if isinstance(value, memoryview) else value


def _literal(value: str, sql: Any) -> str:
    """`value` in a statement: parameters are spelt otherwise by each driver."""
    escape = sql.capabilities.escape_literal
    return str(escape(value)) if escape else "'" + value.replace("'", "''") + "'"
