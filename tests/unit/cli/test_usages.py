from pileus.cli.usages import in_order, of, phrase
from tests.unit.cli.usage_items import make_item


class TestInOrder:
    ITEMS = (
        make_item(job="a", used={"cpu_milli": 10, "memory_mib": 900}, cost_micro=2),
        make_item(job="b", used=None, cost_micro=3, granted_at="2026-01-01T10:00:00Z"),
        make_item(job="c", used={"cpu_milli": 800, "memory_mib": 5}, cost_micro=1),
        make_item(job="d", used={"cpu_milli": 0, "memory_mib": None}, cost_micro=0),
    )

    def order(self, by):
        return "".join(item["job"] for item in in_order(self.ITEMS, by))

    def test_most_first_and_what_is_not_known_last(self):
        assert self.order("cpu") == "cadb"
        assert self.order("memory")[:2] == "ac"
        assert self.order("cost") == "bacd"

    def test_by_age_the_oldest_is_first(self):
        assert self.order("age")[0] == "b"


class TestPhrase:
    def test_one_that_runs_says_what_it_uses_now(self):
        text = phrase(make_item(), "USD")

        assert text.startswith(
            "0.98 of 1 CPU, memory 104M, peak 110M of 512M, disk 3M of 1G, seen "
        )
        assert text.endswith(" ago, cost 0.001234 USD")

    def test_use_of_a_gpu_is_said_where_it_is_known(self):
        text = phrase(make_item(asked={"gpu": 2.0}, used={"gpu_milli": 1500}), "USD")

        assert ", 1.50 of 2 GPU, memory" in text

    def test_one_that_has_ended_says_what_it_used_in_all(self):
        used = {"sampled_at": None, "cpu_milli": None, "memory_mib": None}
        item = make_item(used=used, ended_at="2026-01-01T12:00:00Z", asked={"disk_mib": None})

        assert phrase(item, "USD") == (
            "1 min 0 s of processor time, peak memory 110M of 512M, disk 3M, cost 0.001234 USD"
        )

    def test_one_that_nobody_looked_at_says_what_it_costs(self):
        assert phrase(make_item(used=None), "USD") == "cost 0.001234 USD"


class TestOf:
    def test_without_a_limit_only_what_is_used(self):
        assert (of(3, None), of(3, 2048), of(None, 512)) == ("3M", "3M of 2G", "- of 512M")
