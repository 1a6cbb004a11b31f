"""Objects for predictions by reference: a folder on a web server, and a bucket."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import obstore

from pileus.data.sources.remote.address import object_address
from pileus.data.sources.remote.object_store import open_store
from tests.contract import s3_servers


@dataclass(frozen=True)
class Shelf:
    """Where objects are put so that a gateway may find them, or may not."""

    folder: Path
    web: str
    s3_port: int

    @property
    def allowed(self) -> list[str]:
        """For `allowed_objects`: a folder of the web server, and one of the bucket."""
        return [f"{self.web}/public", f"s3://{s3_servers.BUCKET}/incoming"]

    @property
    def environment(self) -> dict[str, str]:
        """Access to the bucket, as a person gives it to `pileus up`."""
        return {
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{self.s3_port}",
            "AWS_ACCESS_KEY_ID": s3_servers.KEY,
            "AWS_SECRET_ACCESS_KEY": s3_servers.SECRET,
        }

    def put(self, name: str, content: bytes) -> str:
        """The address of a new object on the web server."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        return f"{self.web}/{name}"

    @contextmanager
    def bucket(self) -> Iterator[Callable[[str, bytes], str]]:
        """Puts an object and tells its address; the server lives only while it is needed."""
        with s3_servers.s3_server("moto", self.folder.parent, self.s3_port) as settings:
            httpx.put(f"{settings.endpoint}/{s3_servers.BUCKET}").raise_for_status()
            store = open_store(object_address(f"s3://{s3_servers.BUCKET}/"), settings)

            def put(key: str, content: bytes) -> str:
                obstore.put(store, key, content)
                return f"s3://{s3_servers.BUCKET}/{key}"

            yield put


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  its name there
        del format, args


@contextmanager
def served(directory: Path, tls: ssl.SSLContext | None = None) -> Iterator[Shelf]:
    """A web server on a folder; it counts nothing and forbids nothing."""
    folder = directory / "web"
    folder.mkdir()
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(folder)))
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        web = f"{'http' if tls is None else 'https'}://127.0.0.1:{server.server_address[1]}"
        yield Shelf(folder, web, s3_servers.free_port())
    finally:
        server.shutdown()
        server.server_close()
