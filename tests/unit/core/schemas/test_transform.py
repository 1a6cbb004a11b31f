import pytest
from pydantic import ValidationError

from pileus.core.schemas.jobs import JobSpec
from pileus.core.schemas.transform import Transform

GROUPED = {"step": "split", "how": "grouped", "by": "patient"}


class TestTransform:
    @pytest.mark.parametrize(
        "steps,said",
        [
            ([{"step": "impute"}, GROUPED], "put 'split' before 'impute'"),
            ([GROUPED, GROUPED], "more than one 'split'"),
            ([{"step": "grey"}, {"step": "impute"}], "for tables only and some for images only"),
            ([{"step": "split", "how": "time"}], "needs 'by'"),
            ([{"step": "split", "by": "x"}], "takes no 'by'"),
            ([{"step": "impute", "using": "constant"}], "'value' goes with"),
            ([{"step": "clip", "lower": 0.9, "upper": 0.1}], "'lower' has to be below"),
            ([{"step": "drop_columns"}], "name 'columns'"),
            ([{"step": "impute", "colums": ["x"]}], "Extra inputs are not permitted"),
            ([{"step": "shuffle"}], "'shuffle'"),
            ([{"step": "map_labels", "labels": {"a": " "}}], "cannot be the name of a class"),
            ([{"step": "map_labels", "labels": {"a": "../b"}}], "cannot be the name of a class"),
        ],
    )
    def test_a_mistake_is_named(self, steps, said):
        with pytest.raises(ValidationError, match=said):
            Transform.model_validate({"steps": steps})

    def test_a_wrong_pattern_and_turned_bounds_are_named(self):
        for column, said in (({"pattern": "("}, "regular"), ({"min": 2, "max": 1}, "above")):
            with pytest.raises(ValidationError, match=said):
                Transform.model_validate({"expect": {"columns": {"x": column}}})

    def test_what_it_names_is_composed_as_names_in_a_version_are(self):
        apart, whole = "Ho\u0308he", "H\u00f6he"
        said = {
            "steps": [{"step": "map_values", "column": apart, "values": {apart: apart}}],
            "expect": {"columns": {apart: {"allowed": [apart]}}},
        }

        transform = Transform.model_validate(said)

        assert transform.steps[0].column == whole
        assert transform.steps[0].values == {whole: whole}
        assert transform.expect.columns[whole].allowed == (whole,)

    def test_two_spellings_of_one_name_are_refused(self):
        names = {"Ho\u0308he": "a", "H\u00f6he": "b"}

        with pytest.raises(ValidationError, match="spelling"):
            Transform.model_validate({"steps": [{"step": "rename_columns", "names": names}]})

    def test_it_is_for_the_kinds_that_all_of_it_suits(self):
        assert Transform().kinds == {"images", "table"}
        assert Transform.model_validate({"steps": [{"step": "grey"}]}).kinds == {"images"}
        table = {"expect": {"columns": {"x": {"unique": True}}}}
        assert Transform.model_validate(table).kinds == {"table"}


class TestJobSpec:
    @pytest.mark.parametrize(
        "spec,said",
        [
            ({"kind": "transform", "dataset": "d"}, "needs 'dataset' and 'transform'"),
            ({"kind": "transform", "dataset": "d", "transform": {}, "recipe": "cnn"}, "'recipe'"),
            ({"kind": "train", "recipe": "cnn", "dataset": "d", "dry_run": True}, "'dry_run'"),
            ({"kind": "command", "command": ["x"], "into": "d"}, "'into'; use kind 'transform'"),
        ],
    )
    def test_fields_of_another_kind_are_refused(self, spec, said):
        with pytest.raises(ValidationError, match=said):
            JobSpec.model_validate(spec)
