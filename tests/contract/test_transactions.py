"""What a unit of work may rely on, whatever database it runs in."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from pileus.core.errors import InvalidRequest
from pileus.storage.errors import Duplicate, Stale
from tests.contract.conftest import ITEMS, PLAIN

DUE = datetime(2026, 3, 1, 12, 30, 15, 123456, tzinfo=UTC)


def item(name, /, **changes):
    return {
        "id": f"item_{name}",
        "project": "prj_1",
        "rev": 1,
        "created_at": DUE,
        "name": name,
        "color": "red",
        "amount": 3,
        "is_good": True,
        "due_at": None,
        "detail": None,
        **changes,
    }


def inserting(*records, table=ITEMS):
    def work(transaction):
        for record in records:
            transaction.insert(table, record)

    return work


async def names(database, where=(), **how):
    found = await database.read(lambda snapshot: snapshot.find(ITEMS, where, **how))
    return [record["name"] for record in found]


class TestRecords:
    async def test_a_row_comes_back_as_it_went_in(self, database):
        detail = {"shape": [1, 2.5, None], "nested": {"key": "été\0"}, "true": True}
        record = item("a", due_at=DUE, detail=detail, color=None, amount=2**63 - 1, is_good=False)

        await database.write(inserting(record))

        assert await database.read(lambda s: s.get(ITEMS, id="item_a")) == record

    async def test_times_are_aware_and_in_utc(self, database):
        elsewhere = DUE.astimezone(tz=None)

        await database.write(inserting(item("a", due_at=elsewhere)))

        found = await database.read(lambda s: s.get(ITEMS, id="item_a"))
        assert found["due_at"] == DUE
        assert found["due_at"].utcoffset() == timedelta(0)

    async def test_what_a_reader_changes_stays_with_the_reader(self, database):
        record = item("a", detail={"list": [1]})
        await database.write(inserting(record))
        record["detail"]["list"].append(2)

        found = await database.read(lambda s: s.get(ITEMS, id="item_a"))
        found["detail"]["list"].append(3)

        again = await database.read(lambda s: s.get(ITEMS, id="item_a"))
        assert again["detail"] == {"list": [1]}

    async def test_now_is_aware_and_about_now(self, database):
        now = await database.write(lambda t: t.now)

        assert abs(now - datetime.now(UTC)) < timedelta(minutes=1)


class TestFind:
    @pytest.fixture(autouse=True)
    async def rows(self, database):
        await database.write(
            inserting(
                item("a", amount=1, color="red", due_at=DUE),
                item("b", amount=2, color=None, is_good=False),
                item("c", amount=3, color="blue", due_at=DUE + timedelta(seconds=1)),
            )
        )

    @pytest.mark.parametrize(
        "where,expected",
        [
            ([], "abc"),
            ([("amount", "=", 2)], "b"),
            ([("amount", "!=", 2)], "ac"),
            ([("amount", "<", 2)], "a"),
            ([("amount", "<=", 2)], "ab"),
            ([("amount", ">", 2)], "c"),
            ([("amount", ">=", 2)], "bc"),
            ([("color", "=", None)], "b"),
            ([("color", "!=", None)], "ac"),
            ([("color", "!=", "red")], "c"),
            ([("color", "in", ["red", "blue"])], "ac"),
            ([("amount", "in", (1, 2, 99))], "ab"),
            ([("color", "in", [])], ""),
            ([("is_good", "=", False)], "b"),
            ([("due_at", ">", DUE)], "c"),
            ([("due_at", "in", [DUE])], "a"),
            ([("amount", ">", 1), ("color", "=", "blue")], "c"),
        ],
    )
    async def test_conditions_all_hold(self, database, where, expected):
        assert await names(database, where, order=["name"]) == list(expected)

    @pytest.mark.parametrize(
        "order,expected",
        [
            (["-amount"], "cba"),
            (["color"], "bca"),
            (["-color"], "acb"),
            (["is_good", "-name"], "bca"),
        ],
    )
    async def test_rows_come_in_order_with_nulls_first(self, database, order, expected):
        assert await names(database, order=order) == list(expected)

    async def test_text_sorts_by_code_points(self, database):
        await database.write(inserting(item("B"), item("_"), item("é")))

        assert await names(database, order=["name"]) == ["B", "_", "a", "b", "c", "é"]

    async def test_limit_takes_the_first(self, database):
        assert await names(database, order=["name"], limit=2) == ["a", "b"]

    async def test_thousands_of_values_fit_one_condition(self, database):
        wanted = [f"no_{n}" for n in range(70_000)]

        assert await names(database, [("name", "in", [*wanted, "a"])]) == ["a"]

    async def test_get_finds_by_a_unique_key(self, database):
        found = await database.read(lambda s: s.get(ITEMS, project="prj_1", name="b"))

        assert found["id"] == "item_b"

    async def test_get_finds_nothing(self, database):
        assert await database.read(lambda s: s.get(ITEMS, id="item_z")) is None


class TestTotal:
    async def test_nothing_sums_to_zero(self, database):
        found = await database.read(lambda s: s.total(ITEMS, ["amount"]))

        assert found == [{"amount": 0, "count": 0}]

    async def test_no_rows_make_no_groups(self, database):
        assert await database.read(lambda s: s.total(ITEMS, ["amount"], by=["color"])) == []

    async def test_sums_per_group_in_its_order(self, database):
        await database.write(
            inserting(
                item("a", color="red", amount=1),
                item("b", color="blue", amount=2),
                item("c", color="red", amount=2**40),
                item("d", color=None, amount=4),
            )
        )

        found = await database.read(lambda s: s.total(ITEMS, ["amount"], by=["color"]))

        assert found == [
            {"color": None, "amount": 4, "count": 1},
            {"color": "blue", "amount": 2, "count": 1},
            {"color": "red", "amount": 2**40 + 1, "count": 2},
        ]

    async def test_only_matching_rows_count(self, database):
        await database.write(inserting(item("a", amount=1), item("b", amount=2)))

        found = await database.read(lambda s: s.total(ITEMS, ["amount"], [("amount", ">", 1)]))

        assert found == [{"amount": 2, "count": 1}]


class TestInsert:
    @pytest.mark.parametrize("taken", [{"id": "item_a"}, {"name": "a"}])
    async def test_after_a_duplicate_the_transaction_goes_on(self, database, taken):
        def work(transaction):
            transaction.insert(ITEMS, item("a"))
            with pytest.raises(Duplicate):
                transaction.insert(ITEMS, item("b", **taken))
            transaction.insert(ITEMS, item("c"))

        await database.write(work)

        assert await names(database, order=["name"]) == ["a", "c"]
        assert await database.read(lambda s: s.last_change()) == 2

    async def test_the_same_name_in_another_project_is_free(self, database):
        await database.write(inserting(item("a"), item("a", id="item_2", project="prj_2")))

        assert await names(database) == ["a", "a"]

    async def test_a_column_that_the_table_lacks_is_refused(self, database):
        with pytest.raises(ValueError, match="sheen"):
            await database.write(inserting(item("a", sheen=1)))

    @pytest.mark.parametrize("changes", [{"name": "a\0b"}, {"name": "\ud800"}, {"amount": 2**63}])
    async def test_what_no_database_keeps_is_the_callers_mistake(self, database, changes):
        with pytest.raises(InvalidRequest):
            await database.write(inserting(item("a", **changes)))


class TestSwap:
    @pytest.fixture(autouse=True)
    async def row(self, database):
        await database.write(inserting(item("a")))

    async def test_replaces_and_raises_the_rev(self, database):
        await database.write(lambda t: t.swap(ITEMS, item("a", amount=9)))

        found = await database.read(lambda s: s.get(ITEMS, id="item_a"))
        assert found == item("a", amount=9, rev=2)

    async def test_another_writer_was_first(self, database):
        await database.write(lambda t: t.swap(ITEMS, item("a", amount=9)))

        with pytest.raises(Stale):
            await database.write(lambda t: t.swap(ITEMS, item("a", amount=10)))

        assert (await database.read(lambda s: s.get(ITEMS, id="item_a")))["amount"] == 9

    async def test_the_row_is_gone(self, database):
        with pytest.raises(Stale):
            await database.write(lambda t: t.swap(ITEMS, item("z")))

    @pytest.mark.parametrize("color,holds", [("red", True), ("blue", False), (None, False)])
    async def test_also_guards(self, database, color, holds):
        def work(transaction):
            transaction.swap(ITEMS, item("a", amount=9), also=[("color", "=", color)])

        if holds:
            await database.write(work)
        else:
            with pytest.raises(Stale):
                await database.write(work)

        found = await database.read(lambda s: s.get(ITEMS, id="item_a"))
        assert found["amount"] == (9 if holds else 3)

    async def test_a_taken_name_is_a_duplicate_and_the_transaction_goes_on(self, database):
        def work(transaction):
            transaction.insert(ITEMS, item("b"))
            with pytest.raises(Duplicate):
                transaction.swap(ITEMS, item("a", name="b"))
            transaction.insert(ITEMS, item("c"))

        await database.write(work)

        assert await names(database, order=["name"]) == ["a", "b", "c"]


class TestPutAndDelete:
    async def test_put_inserts_then_replaces(self, database):
        for amount in (1, 2):
            await database.write(lambda t, n=amount: t.put(PLAIN, {"id": "x", "amount": n}))

        found = await database.read(lambda s: s.find(PLAIN))
        assert found == [{"id": "x", "amount": 2}]

    async def test_put_refuses_a_table_with_a_rev(self, database):
        with pytest.raises(ValueError, match="rev"):
            await database.write(lambda t: t.put(ITEMS, item("a")))

    async def test_delete_says_how_many(self, database):
        await database.write(inserting(item("a"), item("b"), item("c", color="blue")))

        assert await database.write(lambda t: t.delete(ITEMS, [("color", "=", "red")])) == 2
        assert await names(database) == ["c"]


class TestReadsInATransaction:
    async def test_see_its_own_writes_and_changes(self, database):
        def work(transaction):
            transaction.insert(ITEMS, item("a"))
            transaction.swap(ITEMS, item("a", amount=7))
            row = transaction.get(ITEMS, id="item_a")
            return row["amount"], transaction.last_change(), len(transaction.changes(0))

        assert await database.write(work) == (7, 2, 2)


class TestFeed:
    async def test_every_change_of_a_row_with_a_rev_is_an_entry_in_order(self, database):
        await database.write(inserting(item("a"), item("b")))
        await database.write(lambda t: t.swap(ITEMS, item("a")))
        await database.write(lambda t: t.delete(ITEMS, [("id", "=", "item_b")]))

        found = await database.read(lambda s: s.changes(0))

        assert [(c.project, c.noun, c.id, c.rev) for c in found] == [
            ("prj_1", "item", "item_a", 1),
            ("prj_1", "item", "item_b", 1),
            ("prj_1", "item", "item_a", 2),
            ("prj_1", "item", "item_b", 2),
        ]
        assert [c.seq for c in found] == sorted({c.seq for c in found})

    async def test_other_tables_are_not_in_it(self, database):
        await database.write(lambda t: t.put(PLAIN, {"id": "x", "amount": 1}))
        await database.write(lambda t: t.delete(PLAIN, []))

        assert await database.read(lambda s: (s.last_change(), s.changes(0))) == (0, [])

    async def test_resumes_where_a_reader_was(self, database):
        await database.write(inserting(*(item(name) for name in "abcde")))
        first = await database.read(lambda s: s.changes(0, limit=2))

        rest = await database.read(lambda s: s.changes(first[-1].seq))

        assert [c.id for c in [*first, *rest]] == [f"item_{name}" for name in "abcde"]
        assert await database.read(lambda s: s.last_change()) == rest[-1].seq


class TestTrimChanges:
    async def test_the_newest_stay_and_numbers_go_on(self, database):
        await database.write(inserting(*(item(name) for name in "abcdef")))

        gone = await database.write(lambda transaction: transaction.trim_changes(2))
        await database.write(inserting(item("g")))
        left = await database.read(lambda snapshot: snapshot.changes(0))
        after = await database.read(lambda snapshot: snapshot.changes(6))

        assert gone == 4
        assert [change.seq for change in left] == [5, 6, 7]
        assert [change.id for change in after] == ["item_g"]

    async def test_one_is_left_so_that_the_end_is_known(self, database):
        await database.write(inserting(*(item(name) for name in "abc")))

        await database.write(lambda transaction: transaction.trim_changes(0))

        assert await database.read(lambda s: (s.last_change(), len(s.changes(0)))) == (3, 1)

    async def test_a_work_that_fails_trims_nothing(self, database):
        await database.write(inserting(*(item(name) for name in "abc")))

        def work(transaction):
            transaction.trim_changes(1)
            transaction.insert(ITEMS, item("d"))
            raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            await database.write(work)

        found = await database.read(lambda snapshot: snapshot.changes(0))
        assert [change.seq for change in found] == [1, 2, 3]
