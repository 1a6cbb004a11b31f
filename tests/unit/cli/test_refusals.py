from pileus.cli.refusals import refusals

TROUBLE = {"at": "2026-01-01T00:00:00Z", "message": "No dataset 'x'", "hint": None}


class TestRefusals:
    def test_only_those_whose_last_time_submitted_nothing(self):
        found = list(
            refusals(
                [
                    {"name": "a", "due_at": "2026-01-02T00:00:00Z", "trouble": None},
                    {"name": "b", "due_at": "2026-01-02T00:00:00Z", "trouble": TROUBLE},
                    {"name": "c", "due_at": None, "trouble": TROUBLE | {"hint": "Make it."}},
                ]
            )
        )

        assert [hint for _, hint in found] == ["`pileus schedule show b` tells more.", "Make it."]
        assert "paused" not in found[0][0]
        assert ", and is paused: No dataset 'x'" in found[1][0]
