"""One file over HTTP: streamed to disk, resumed where it broke off, never mixed of two versions."""

from __future__ import annotations

import os
import ssl
import time
from collections.abc import Callable
from email.message import Message
from pathlib import Path
from typing import BinaryIO

import httpx

from pileus import __version__
from pileus.data.errors import SourceNotFound, SourceUnreadable
from pileus.data.progress import Progress, Report
from pileus.data.sources.remote.address import file_name, shown
from pileus.data.sources.scratch import ScratchFiles

_TRIES = 6
"""So many in a row may bring nothing; one that brings bytes starts the count anew."""

_FIRST_PAUSE_SECONDS = 0.5
_LONGEST_PAUSE_SECONDS = 30.0
_REDIRECTS = 5
_TIMEOUT = httpx.Timeout(60.0, connect=10.0)
_PASSING = frozenset({408, 425, 429, 500, 502, 503, 504})


def download(
    url: str,
    into: Path,
    report: Report,
    *,
    transport: httpx.BaseTransport | None = None,
    sleep: Callable[[float], None] = time.sleep,
) -> Path:
    """The file in the directory `into`. Raises SourceNotFound, SourceUnreadable and others."""
    part = into / "download.part"
    with (
        httpx.Client(
            headers={"User-Agent": f"pileus/{__version__}", "Accept-Encoding": "identity"},
            timeout=_TIMEOUT,
            follow_redirects=True,
            max_redirects=_REDIRECTS,
            transport=transport,
            event_hooks={"response": [_refuse_downgrade]},
        ) as client,
        part.open("wb") as stream,
    ):
        transfer = _Transfer(url, client, stream, ScratchFiles(into, repr(shown(url))), report)
        _repeat(transfer, sleep)
    name = transfer.name
    path = into / (name.replace("/", "_").replace("\0", "_").strip(".")[-200:] or "download")
    part.replace(path)
    return path


def _repeat(transfer: _Transfer, sleep: Callable[[float], None]) -> None:
    tries, pause = 0, _FIRST_PAUSE_SECONDS
    while True:
        before = transfer.done
        try:
            transfer.run()
        except httpx.TooManyRedirects as error:
            raise transfer.unreadable(f"more than {_REDIRECTS} redirects") from error
        except (httpx.InvalidURL, httpx.UnsupportedProtocol) as error:
            raise transfer.unreadable(str(error)) from error
        except (httpx.TransportError, _Passing) as error:
            if _is_untrusted(error):
                raise transfer.unreadable(
                    str(error),
                    "Check the address. For a server of your own, set SSL_CERT_FILE to the file of"
                    " the certificate that vouches for it.",
                ) from error
            if transfer.done > before:
                tries, pause = 0, _FIRST_PAUSE_SECONDS
            tries += 1
            if tries >= _TRIES:
                raise transfer.unreadable(str(error) or type(error).__name__) from error
            wanted = error.wait_seconds if isinstance(error, _Passing) else 0.0
            sleep(min(max(pause, wanted), _LONGEST_PAUSE_SECONDS))
            pause = min(pause * 2, _LONGEST_PAUSE_SECONDS)
        else:
            return


def _is_untrusted(error: BaseException | None) -> bool:
    """Whether a certificate was refused, which another try does not change."""
    while error is not None and not isinstance(error, ssl.SSLCertVerificationError):
        error = error.__cause__ or error.__context__
    return error is not None


class _Passing(Exception):
    """A server that may answer differently in a while."""

    def __init__(self, status: int, wait_seconds: float) -> None:
        super().__init__(f"the server answered {status}")
        self.wait_seconds = wait_seconds


class _Transfer:
    """What has arrived so far, and by which validator it may be continued."""

    def __init__(
        self, url: str, client: httpx.Client, stream: BinaryIO, files: ScratchFiles, report: Report
    ) -> None:
        self.done = 0
        self.name = file_name(url)
        self._url = url
        self._client = client
        self._stream = stream
        self._files = files
        self._report = report
        self._validator: str | None = None

    def run(self) -> None:
        """Fetch what is missing."""
        headers = {}
        if self.done and self._validator:
            headers = {"Range": f"bytes={self.done}-", "If-Range": self._validator}
        with self._client.stream("GET", self._url, headers=headers) as response:
            self._check_status(response)
            if not self._continues(response):
                self._start_anew(response)
            size = _size(response, self.done)
            if size is not None:
                self._files.expect(size - self.done)
            for chunk in response.iter_raw():
                self._files.count(len(chunk))
                self._stream.write(chunk)
                self.done += len(chunk)
                self._report(Progress("fetch", self.done, size, "bytes"))
        if size is not None and self.done != size:
            raise httpx.ReadError(f"{self.done:,} of {size:,} bytes arrived")
        self._stream.flush()

    def unreadable(
        self, why: str, hint: str = "Check the address and the network, then try again."
    ) -> SourceUnreadable:
        return SourceUnreadable(f"{shown(self._url)!r} cannot be fetched: {why}", hint=hint)

    def _check_status(self, response: httpx.Response) -> None:
        status = response.status_code
        if status in {404, 410}:
            raise SourceNotFound(
                f"Nothing is at {shown(self._url)!r}: the server answered {status}",
                hint="Check the address.",
            )
        if status in _PASSING:
            raise _Passing(status, _seconds(response.headers.get("retry-after", "")))
        if status == 416:  # the file has become shorter
            self._validator = None
            raise _Passing(status, 0)
        if status not in {200, 206}:
            raise self.unreadable(f"the server answered {status}")

    def _continues(self, response: httpx.Response) -> bool:
        if response.status_code != 206:
            return False
        if response.headers.get("content-range", "").startswith(f"bytes {self.done}-"):
            return True
        raise self.unreadable("the server sent another range than was asked for")

    def _start_anew(self, response: httpx.Response) -> None:
        self._stream.seek(0)
        self._stream.truncate()
        self.done = 0
        tag = response.headers.get("etag", "")
        weak = not tag or tag.startswith("W/")
        self._validator = (response.headers.get("last-modified") if weak else tag) or None
        self.name = _announced(response) or self.name or file_name(str(response.url))


def _announced(response: httpx.Response) -> str | None:
    """The name that the server gives the file, without a path."""
    header = Message()
    header["Content-Disposition"] = response.headers.get("content-disposition", "")
    name = header.get_filename()
    return os.path.basename(name) if name else None  # noqa: PTH119  a name, not a file of ours


def _size(response: httpx.Response, done: int) -> int | None:
    length = response.headers.get("content-length", "")
    return done + int(length) if length.isdecimal() else None


def _seconds(text: str) -> float:
    return float(text) if text.isdecimal() else 0.0


def _refuse_downgrade(response: httpx.Response) -> None:
    """A redirect from TLS to plain HTTP would let anyone on the way choose the bytes."""
    if not response.has_redirect_location or response.url.scheme != "https":
        return
    if response.url.join(response.headers["location"]).scheme != "https":
        raise SourceUnreadable(
            f"{shown(str(response.url))!r} redirects to an address without TLS",
            hint="Give the address that it should come from.",
        )
