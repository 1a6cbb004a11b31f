"""One installation for all pages: starting one per page would take longer than the pages."""

import pytest

from tests.docs.story import Story


@pytest.fixture(scope="session")
def story(tmp_path_factory):
    told = Story(tmp_path_factory.mktemp("docs"))
    try:
        told.start()
        yield told
    finally:
        told.stop()
