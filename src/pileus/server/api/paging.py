"""Lists: `?limit=&cursor=&filter=field=value,field=value` on every one, `{items, next}` back."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Generic, Literal, TypeVar

from fastapi import Depends, Query
from pydantic import BaseModel

from pileus.core.errors import InvalidRequest
from pileus.storage.table import Kind, Table
from pileus.storage.transaction import Where

MAX_ITEMS = 1000
T = TypeVar("T", bound=BaseModel)


class FilterRefused(InvalidRequest, code="filter_refused"):
    """A filter that names no field of the list, or a value that does not fit the field."""


class Listed(BaseModel, Generic[T]):
    """One page."""

    items: Sequence[T]
    next: str | None
    """Cursor of the next page; null on the last one."""


@dataclass(frozen=True)
class Page:
    """What a caller asked for."""

    limit: int
    cursor: str | None
    filter: str

    async def list(
        self,
        table: Table,
        read: Callable[..., Awaitable[Sequence[T]]],
        *args: str,
        order: Literal["ascending", "descending"] = "ascending",
        key: str = "id",
    ) -> Listed[T]:
        """One page of `read(*args, where, limit=...)`, which orders by `key`."""
        where = [*parse_filter(table, self.filter)]
        if self.cursor is not None:
            cursor = convert(table, key, self.cursor)
            where.append((key, ">" if order == "ascending" else "<", cursor))
        items = list(await read(*args, where, limit=self.limit + 1))
        more = len(items) > self.limit
        page = items[: self.limit]
        return Listed[T](items=page, next=str(getattr(page[-1], key)) if more else None)


def page(
    limit: Annotated[int, Query(ge=1, le=MAX_ITEMS)] = 100,
    cursor: Annotated[str | None, Query(max_length=200)] = None,
    filter: Annotated[str, Query(max_length=2000)] = "",  # noqa: A002  the public name
) -> Page:
    """The paging parameters of every list."""
    return Page(limit, cursor, filter)


Paging = Annotated[Page, Depends(page)]


def parse_filter(table: Table, text: str) -> Where:
    """`status=running,name=x` as conditions on columns of `table`. Raises FilterRefused."""
    conditions: list[tuple[str, Literal["="], Any]] = []
    for part in filter(None, text.split(",")):
        field, separator, value = part.partition("=")
        if not separator:
            raise FilterRefused(
                f"Filter {part!r} has no '='", hint="Write it as field=value,field=value."
            )
        conditions.append((field.strip(), "=", convert(table, field.strip(), value.strip())))
    return conditions


def convert(table: Table, field: str, value: str) -> Any:  # noqa: ANN401
    """`value` as the type of a column. Raises FilterRefused."""
    known: Mapping[str, Kind] = {
        column.name: column.kind
        for column in table.columns
        if column.kind in {Kind.TEXT, Kind.INTEGER, Kind.BOOLEAN}
        and column.name not in {"hash", "sealed"}
    }
    if field not in known:
        raise FilterRefused(
            f"Field {field!r} cannot be filtered by", hint=f"Fields: {', '.join(sorted(known))}."
        )
    try:
        if known[field] is Kind.INTEGER:
            return int(value)
        if known[field] is Kind.BOOLEAN:
            return {"true": True, "false": False}[value.lower()]
    except (ValueError, KeyError) as error:
        raise FilterRefused(f"{value!r} does not fit field {field!r}") from error
    return value
