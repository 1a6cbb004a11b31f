import numpy as np

from pileus.training.parity import Parity

SAME = np.array([[0.9, 0.1], [0.2, 0.8]], dtype=np.float32)


class TestParity:
    def test_equal_answers_pass(self):
        parity = Parity()

        parity.compare(SAME, SAME + np.float32(1e-6), np.array([0, 1]))
        parity.compare_single(SAME[:1], SAME[:1], np.array([0]))

        report = parity.report()
        assert report["passed"]
        assert (report["rows"], report["single_rows"]) == (2, 1)

    def test_a_difference_beyond_the_tolerance_does_not(self):
        parity = Parity()

        parity.compare(SAME, SAME + np.float32(0.01), np.array([0, 1]))
        parity.compare(SAME, SAME, np.array([0, 1]))

        assert not parity.report()["passed"]
        assert parity.report()["max_abs_diff"] > 0.009

    def test_another_class_does_not(self):
        parity = Parity()

        parity.compare(SAME, SAME, np.array([0, 0]))

        assert not parity.report()["equal_classes"]
        assert not parity.has_passed

    def test_a_row_alone_that_differs_does_not(self):
        parity = Parity()

        parity.compare_single(SAME, 1 - SAME, np.array([1, 0]))

        assert not parity.has_passed

    def test_no_number_is_not_equal_to_anything(self):
        parity = Parity()
        graph = SAME.copy()
        graph[0, 0] = np.nan

        parity.compare(SAME, graph, np.array([0, 1]))

        assert parity.report()["passed"] is False
        assert parity.report()["max_abs_diff"] is None
