import pytest

from pileus.data.sources.encoding import is_marked, looks_like

CHINESE = "label,review\n1,距离川沙公路较近,但是公交指示不对\n0,很快，好吃，味道足，量大\n"
GERMAN = "name,stadt\nMüller,Köln\nGroß,Zürich\n"
JAPANESE = "名前,ラベル\n東京タワーは高いです,はい\n"
RUSSIAN = "имя,метка\nПривет мир,да\n"


class TestLooksLike:
    @pytest.mark.parametrize(
        "text, encoding, name",
        [
            (CHINESE, "utf-8", "utf-8"),
            (CHINESE, "gbk", "gbk"),
            (CHINESE + "0,𠀀\n", "gb18030", "gb18030"),
            ("a,b\n1,张三\n", "gbk", "gbk"),
            ("名稱,標籤\n臺北市政府公告資訊,是\n", "big5", "big5"),
            (GERMAN, "latin-1", "cp1252"),
            ("a,b\n1,café\n", "latin-1", "cp1252"),
            ("a,b\n“quoted” – dash,1\n€ 5,2\n", "cp1252", "cp1252"),
            (JAPANESE, "shift_jis", "cp932"),
            (JAPANESE, "euc_jp", "euc_jp"),
            (RUSSIAN, "cp1251", "cp1251"),
            (RUSSIAN, "koi8-r", "koi8_r"),
            (CHINESE, "utf-16", "utf-16"),
            (CHINESE, "utf-16-le", "utf-16-le"),
            (CHINESE, "utf-16-be", "utf-16-be"),
            (GERMAN, "utf-16-le", "utf-16-le"),
            (GERMAN, "utf-32", "utf-32"),
            (GERMAN, "utf-8-sig", "utf-8"),
        ],
    )
    def test_names_what_the_text_was_written_in(self, text, encoding, name):
        assert looks_like(text.encode(encoding)) == name

    def test_a_sample_that_ends_inside_a_character_is_no_other_text(self):
        data = (CHINESE * 3).encode("gbk")

        assert looks_like(data[:-4]) == "gbk"

    def test_a_stray_zero_byte_is_no_encoding(self):
        assert looks_like(b"a,b\n1,2\0\n") is None


class TestIsMarked:
    def test_by_its_first_bytes_or_zero_bytes(self):
        assert is_marked("a".encode("utf-16"))
        assert is_marked("a".encode("utf-16-be"))
        assert not is_marked("é".encode("latin-1"))
