import pytest

from pileus.core.figures import Family, Histogram, exposition

COUNTS = Family("test_things_total", "counter", "Things.", ("kind",))
LEVEL = Family("test_level", "gauge", "How high.")
TOOK = Family("test_seconds", "histogram", "How long.")


class TestHistogram:
    def test_a_value_counts_in_every_bucket_that_is_not_below_it(self):
        histogram = Histogram((1.0, 2.0))
        for value in (0.5, 1.0, 1.5, 9.0):
            histogram.observe(value)

        assert histogram.buckets() == [("1.0", 2), ("2.0", 3), ("+Inf", 4)]
        assert histogram.sum == pytest.approx(12.0)


class TestExposition:
    def test_is_what_prometheus_reads(self):
        from prometheus_client.parser import text_string_to_metric_families as parse

        histogram = Histogram((1.0,))
        histogram.observe(0.25)
        text = exposition(
            [COUNTS.of({("a",): 1, ('b"\n',): 2}), LEVEL.is_(-3), TOOK.is_(histogram)]
        ).decode()

        samples = {
            (sample.name, *sample.labels.values()): sample.value
            for family in parse(text)
            for sample in family.samples
        }
        assert samples["test_things_total", "a"] == 1
        assert samples["test_things_total", 'b"\n'] == 2
        assert samples["test_level",] == -3
        assert samples["test_seconds_bucket", "1.0"] == 1
        assert samples["test_seconds_count",] == 1
        assert samples["test_seconds_sum",] == 0.25
        assert samples["process_resident_memory_bytes",] > 0
