from pileus.core.code_digest import digest_of


class TestDigestOf:
    def test_it_changes_with_a_name_or_a_text_and_not_with_line_endings(self, tmp_path):
        first, second = tmp_path / "a.py", tmp_path / "b.py"
        first.write_bytes(b"x = 1\n")
        second.write_bytes(b"x = 1\n")
        before = digest_of(tmp_path, [first])

        assert digest_of(tmp_path, [second]) != before
        first.write_bytes(b"x = 1\r\n")
        assert digest_of(tmp_path, [first]) == before
        first.write_bytes(b"x = 2\n")
        assert digest_of(tmp_path, [first]) != before
