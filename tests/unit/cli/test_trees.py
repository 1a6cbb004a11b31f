import io

from rich.console import Console

from pileus.cli.trees import show_lineage, show_reason


def printed(show, document, width=200):
    sink = io.StringIO()
    show(Console(file=sink, width=width), document)
    return sink.getvalue()


class TestLineage:
    def test_each_step_is_a_line_below_the_one_it_explains(self):
        lineage = {
            "steps": [
                {
                    "noun": "prediction",
                    "id": "prd_1",
                    "outcome": "ok",
                    "latency_us": 2300,
                    "price": {"micro": 100, "exponent": 3},
                },
                {"noun": "model_version", "id": "mdv_1", "name": "d:1", "evaluation": {"r2": 0.5}},
                {"noun": "something_new", "id": "new_1"},
            ]
        }

        lines = printed(show_lineage, lineage).splitlines()

        assert lines[0] == "prediction ok, 2.3 ms, price 0.0000001  prd_1"
        assert lines[1] == "└─ model version d:1, r2 0.5000  mdv_1"
        assert lines[2].strip() == "└─ something new   new_1"

    def test_an_id_that_does_not_fit_gets_a_line_of_its_own(self):
        lineage = {"steps": [{"noun": "job", "id": "job_" + "1" * 26, "kind": "train"}]}

        lines = printed(show_lineage, lineage, width=40).splitlines()

        assert lines[1] == "job_" + "1" * 26


class TestReason:
    def test_the_next_step_is_shown_with_the_reason(self):
        text = printed(
            show_reason,
            {
                "state": "queued",
                "reason": "No node has a GPU",
                "hint": "Ask for less.",
                "attempts": [{"number": 1, "status": "failed", "reason": "exit code 1"}],
            },
        )

        assert text.splitlines() == [
            "state      queued",
            "reason     No node has a GPU",
            "next step  Ask for less.",
            "attempt 1  failed: exit code 1",
        ]


class TestTransforms:
    def test_the_steps_of_a_job_are_named(self):
        step = {"noun": "job", "id": "job_1", "kind": "transform", "transform": ["split", "impute"]}

        assert "job transform split, impute" in printed(show_lineage, {"steps": [step]})

    def test_what_waits_says_when_it_is_expected_to_start(self):
        waits = {"state": "queued", "reason": "Waits for cpu=2", "hint": None, "after": None}

        assert "start   not known" in printed(show_reason, waits | {"eta": None})
        assert "start   at about " in printed(show_reason, waits | {"eta": "2026-01-01T00:00:00Z"})
