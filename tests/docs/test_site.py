"""The documentation builds: every page is reachable, every link leads somewhere."""

import os
import subprocess
import sys

from tests.docs.examples import ROOT


class TestSite:
    def test_it_builds_without_a_warning_and_fetches_nothing_from_elsewhere(self, tmp_path):
        command = [sys.executable, "-m", "mkdocs", "build", "--strict"]

        done = subprocess.run(
            [*command, "--site-dir", str(tmp_path / "site")],
            cwd=ROOT,
            env=os.environ | {"NO_MKDOCS_2_WARNING": "1"},  # an advertisement
            capture_output=True,
            text=True,
            check=False,
        )

        assert done.returncode == 0, done.stdout + done.stderr
        page = (tmp_path / "site" / "index.html").read_text(encoding="utf-8")
        assert 'src="http' not in page
        assert 'rel="stylesheet" href="http' not in page
