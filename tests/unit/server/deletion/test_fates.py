"""Every table has a decision: what becomes of its rows, and whether it names blobs."""

from __future__ import annotations

import re

from pileus.server.deletion.fates import FATES, Fate, tables_of_a_project
from pileus.server.references import REFERENCES
from pileus.server.tables import TABLES
from pileus.storage.table import Kind

LIKE_A_DIGEST = re.compile(
    r"digest|manifest|sha|pack|bundle|blob|inputs|artifact|checkpoint|profile|picture|hash"
)

NO_BLOB = {
    ("audit_event", "hash"): "of the event",
    ("audit_event", "previous_hash"): "of an event",
    ("blob", "digest"): "the blob itself",
    ("code_snapshot", "manifest_bytes"): "a size",
    ("code_snapshot", "pack_bytes"): "a size",
    ("code_snapshot", "provenance"): "its diff is named by diff_digest",
    ("dataset_profile", "profiler"): "a number",
    ("dataset_version", "manifest_bytes"): "a size",
    ("job", "code_digest"): "of code that is installed, or of a code_snapshot",
    ("kept_row", "record"): "rows of other tables, asked as those",
    ("model_version", "code_digest"): "of code that is installed, or of a code_snapshot",
    ("token", "hash"): "of a secret",
    ("tombstone", "digests"): "of what is gone, for lineage",
    # JSON that holds no digest at all.
    ("artifact", "path"): "a name",
    ("attempt", "exit"): "how it ended",
    ("attempt", "result"): "what it said",
    ("audit_event", "detail"): "words",
    ("dataset_version", "info"): "classes and columns, for show",
    ("job", "cause"): "an id",
    ("job", "params"): "values",
    ("job", "spec"): "what was asked for",
    ("job", "summary"): "figures",
    ("lease", "code_digest"): "of code that is installed",
    ("lease", "devices"): "ids",
    ("lease", "price_ids"): "ids",
    ("lease", "resources"): "numbers",
    ("metric", "last"): "a number",
    ("metric", "max"): "a number",
    ("metric", "min"): "a number",
    ("model_version", "evaluation"): "figures",
    ("model_version", "parity"): "figures",
    ("model_version", "signature"): "names and shapes",
    ("node", "capacity"): "numbers",
    ("node_usage", "devices"): "numbers",
    ("node_usage", "samples"): "numbers",
    ("pool", "promises"): "ids",
    ("quota", "limits"): "numbers",
    ("pipeline", "spec"): "what was asked for",
    ("schedule", "pipeline"): "what is asked for; its code is named by id, which keeps it",
    ("schedule", "trouble"): "words",
    ("tombstone", "lineage"): "words",
}


class TestFates:
    def test_every_table_has_one(self):
        assert {table.name for table in TABLES} == FATES.keys()

    def test_what_goes_with_something_says_with_what(self):
        with_ = {name: why for name, (fate, why) in FATES.items() if fate is Fate.WITH}

        assert all(
            why.partition(":")[0] in {*FATES, "its tombstone's grace"} for why in with_.values()
        )

    def test_a_project_takes_everything_along_that_is_not_kept_for_good(self):
        named = {table.name for table in tables_of_a_project()}
        spared = {
            name for name, (fate, _) in FATES.items() if fate in {Fate.KEPT, Fate.INSTALLATION}
        }

        # Marks of metrics name their attempt only; blobs are forgotten with their bytes.
        assert {t.name for t in TABLES} - named - spared == {"metric_mark", "blob"}


class TestReferences:
    def test_every_column_that_may_name_a_blob_is_asked_or_says_why_not(self):
        asked = {(r.table.name, column) for r in REFERENCES for column in r.columns}
        suspects = {
            (table.name, column.name)
            for table in TABLES
            for column in table.columns
            if column.kind is Kind.JSON or LIKE_A_DIGEST.search(column.name)
        }

        assert suspects - asked == suspects & NO_BLOB.keys()
        assert asked <= suspects
        assert not asked & NO_BLOB.keys()

    def test_each_table_is_declared_once(self):
        names = [references.table.name for references in REFERENCES]

        assert len(names) == len(set(names))
