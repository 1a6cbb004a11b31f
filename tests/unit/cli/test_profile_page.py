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


class Card(HTMLParser):
    """What a column's card shows: its name, and the bars of its histogram with their shares."""

    def __init__(self, source):
        super().__init__()
        self.name = ""
        self.has_histogram = False
        self.bars: list[dict[str, str]] = []
        self.shares: list[float] = []
        self._open: list[str] = []
        self.feed(source)

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        self._open.append(tag)
        if tag == "svg":
            self.has_histogram = given["class"] == "histogram"
        elif tag == "rect" and self.has_histogram:
            self.bars.append(given)

    def handle_endtag(self, tag):
        self._open.pop()

    def handle_data(self, data):
        if self._open[-1] == "h3":
            self.name += data.strip()
        elif self._open[-2:] == ["rect", "title"]:
            self.shares.append(float(data.rpartition(": ")[2].rstrip("%")))


def cards_of(made):
    cards = [Card(source) for source in re.findall(r"<article>.*?</article>", made, re.DOTALL)]
    return {card.name: card for card in cards}


def profile_of(prepared):
    return read_profile(prepared.profile.path.read_bytes())


@pytest.fixture
def table(tmp_path):
    lines = [f"{n},<script>{n % 2},same words {n},{'ab'[n // 2 % 2]}" for n in range(200)]
    text = "age,<i>kind,note,label\n" + "\n".join(lines) + "\n"
    return ingested(csv_file(tmp_path / "t.csv", text), tmp_path / "out")


@pytest.fixture
def numbers(tmp_path):
    """Two columns of numbers of different shapes, one of them with empty bins."""
    lines = [f"{n},{n % 3 * 50},{'ab'[n // 2 % 2]}" for n in range(200)]
    text = "age,weight,label\n" + "\n".join(lines) + "\n"
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

    def test_has_a_histogram_for_each_column_of_numbers(self, numbers):
        server = VersionServer(pets=numbers)
        profile = profile_of(numbers)

        cards = cards_of(page(server.names["pets"], profile, {}))

        for column in profile.whole.columns:
            bars = cards[column.name].bars
            filled = [count for count in column.numbers.histogram if count]
            assert len(bars) == len(filled) > 1
            heights = [float(bar["height"]) for bar in bars]
            for height, count in zip(heights, filled, strict=True):
                assert height == pytest.approx(max(72 * count / max(filled), 1.5), abs=0.06)
            assert all(
                float(bar["y"]) + height == pytest.approx(72, abs=0.11)
                for bar, height in zip(bars, heights, strict=True)
            )
            assert sum(cards[column.name].shares) == pytest.approx(100, abs=0.06 * len(bars))

    def test_has_no_histogram_of_a_column_with_one_value(self, tmp_path):
        lines = [f"{n % 7},5,{'ab'[n % 2]}" for n in range(40)]
        text = "\n".join(["some,same,label", *lines]) + "\n"
        prepared = ingested(csv_file(tmp_path / "t.csv", text), tmp_path / "out")

        made = page(VersionServer(pets=prepared).names["pets"], profile_of(prepared), {})

        assert {name for name, card in cards_of(made).items() if card.has_histogram} == {"some"}
        assert "always 5" in made

    def test_has_a_histogram_of_the_lengths_of_texts(self, table):
        server = VersionServer(pets=table)

        card = cards_of(page(server.names["pets"], profile_of(table), {}))["note"]

        assert card.has_histogram
        assert len(card.bars) == 3, "same words 0 to 9, 10 to 99, 100 to 199"

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
