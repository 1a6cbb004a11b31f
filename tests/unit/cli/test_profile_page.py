import re
from html.parser import HTMLParser

import pytest

from pileus.cli.profile_page import page, write_page
from pileus.core.errors import InvalidRequest
from pileus.data.profile.document import read_profile
from tests.unit.cli.versions import VersionServer
from tests.unit.data.build import class_folder, csv_file, ingested

VOID = {"meta", "img", "br"}


class Balanced(HTMLParser):
    """Fails where a tag is closed that was not the last one opened."""

    def __init__(self):
        super().__init__()
        self.open: list[str] = []

    def handle_starttag(self, tag, attrs):
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def profile_of(prepared):
    return read_profile(prepared.profile.path.read_bytes())


@pytest.fixture
def table(tmp_path):
    lines = [f"{n},<script>{n % 2},same words {n},{'ab'[n // 2 % 2]}" for n in range(200)]
    text = "age,<i>kind,note,label\n" + "\n".join(lines) + "\n"
    return ingested(csv_file(tmp_path / "t.csv", text), tmp_path / "out")


@pytest.fixture
def pictures(tmp_path):
    return ingested(class_folder(tmp_path / "in", {"a": 12, "b": 3}), tmp_path / "out")


class TestPage:
    def test_is_whole_and_escapes_what_comes_from_the_data(self, table):
        server = VersionServer(pets=table)
        made = page(server.names["pets"], profile_of(table), {})

        parser = Balanced()
        parser.feed(made)
        assert parser.open == []
        assert "<script" not in made
        assert "&lt;i&gt;kind" in made
        assert "here &lt;b&gt;" in made

    def test_names_what_was_skipped(self, table):
        parts = [
            {"name": "<b>.csv", "line": 9, "code": "table_damaged", "reason": "1 & 2"},
            {"name": "x.png", "code": "image_damaged", "reason": "cut"},
        ]
        codes = [["table_damaged", 5], ["image_damaged", 1]]
        version = VersionServer(pets=table).names["pets"]
        info = {"skipped": {"total": 6, "codes": codes, "first": parts}}

        made = page({**version, "info": info}, profile_of(table), {})

        parser = Balanced()
        parser.feed(made)
        assert parser.open == []
        assert "6: 5 table_damaged, 1 image_damaged" in made
        assert "&lt;b&gt;.csv, 9</b> 1 &amp; 2" in made
        assert "x.png</b> cut" in made
        assert "and 4 more" in made

    def test_fetches_nothing_when_it_is_opened(self, pictures, tmp_path):
        server = VersionServer(pets=pictures)
        target = tmp_path / "pages" / "page.html"

        write_page(server.client(), server.names["pets"], profile_of(pictures), target)

        made = target.read_text()
        addresses = re.findall(r'(?:src|href)=["\']?([^"\' >]+)', made)
        assert addresses
        assert all(one.startswith("data:image/png;base64,") for one in addresses)
        assert not re.search(r"https?:|url\(|@import|<script|<link", made)

    def test_a_place_that_cannot_be_written_is_refused(self, table, tmp_path):
        server = VersionServer(pets=table)
        (tmp_path / "file").write_text("")

        with pytest.raises(InvalidRequest, match="cannot be written"):
            write_page(
                server.client(), server.names["pets"], profile_of(table), tmp_path / "file" / "x"
            )
