from pileus.core.schemas.code import MAX_DIFF_BYTES, Provenance
from pileus.sdk.snapshot.git import files, provenance
from tests.unit.sdk.snapshot.repository import committed, git, put


class TestFiles:
    def test_outside_of_a_repository_git_has_no_say(self, tmp_path):
        assert files(tmp_path) is None


class TestProvenance:
    def test_outside_of_a_repository_there_is_none(self, tmp_path):
        assert provenance(tmp_path) == (Provenance(), b"")

    def test_a_repository_without_a_commit_has_none(self, tmp_path):
        git(tmp_path, "init")

        assert provenance(tmp_path) == (Provenance(), b"")

    def test_it_is_commit_branch_and_what_was_changed(self, tmp_path):
        put(tmp_path, "a.py", "old\n")
        committed(tmp_path, branch="trunk")

        clean, nothing = provenance(tmp_path)
        put(tmp_path, "a.py", "new\n")
        changed, diff = provenance(tmp_path)

        assert (clean.branch, clean.is_changed, nothing) == ("trunk", False, b"")
        assert len(clean.commit or "") == 40
        assert (changed.commit, changed.is_changed) == (clean.commit, True)
        assert b"-old\n+new\n" in diff

    def test_a_commit_without_a_branch(self, tmp_path):
        put(tmp_path, "a.py")
        committed(tmp_path)
        git(tmp_path, "checkout", "--detach")

        assert provenance(tmp_path)[0].branch is None

    def test_an_untracked_file_is_a_change(self, tmp_path):
        put(tmp_path, "a.py")
        committed(tmp_path)
        put(tmp_path, "b.py")

        assert provenance(tmp_path)[0].is_changed

    def test_what_was_changed_in_a_file_of_secrets_is_not_told(self, tmp_path):
        put(tmp_path, ".env", "TOKEN=old\n")
        put(tmp_path, "a*.py", "old\n")
        committed(tmp_path)
        put(tmp_path, ".env", "TOKEN=new\n")
        put(tmp_path, "a*.py", "new\n")

        _, diff = provenance(tmp_path)

        assert b"+new" in diff
        assert b"TOKEN" not in diff

    def test_a_long_diff_is_cut(self, tmp_path):
        put(tmp_path, "a.py", "")
        committed(tmp_path)
        put(tmp_path, "a.py", "x\n" * MAX_DIFF_BYTES)

        told, diff = provenance(tmp_path)

        assert told.is_diff_cut
        assert len(diff) == MAX_DIFF_BYTES
