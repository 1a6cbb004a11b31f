"""The fake server behind the routes of the real one, on a port of this machine."""

import asyncio
import contextlib
import json
import socket

import uvicorn

from pileus.core.errors import NotAuthenticated, PileusError
from pileus.core.schemas.jobs import Artifact, NodeReport, Registration
from pileus.core.schemas.secrets import SecretValues
from pileus.core.schemas.usage import UsageReport
from pileus.core.status import http_status
from tests.unit.worker.fakes import digest_of, pieces

TOKEN = "plw_test"
ATTEMPT_TOKEN = "pla_secret"


@contextlib.asynccontextmanager
async def serving(fake, tmp_path):
    """The address of `fake`."""
    listener = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(_application(fake, tmp_path), lifespan="off", log_level="error")
    server = _Server(config)
    task = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = server.force_exit = True
        await task
        listener.close()


class _Server(uvicorn.Server):
    def capture_signals(self):
        return contextlib.nullcontext()  # signals are the test's


def _application(fake, tmp_path):
    async def application(scope, receive, send):
        body, more = b"", True
        while more:
            message = await receive()
            body += message.get("body", b"")
            more = message.get("more_body", False)
        try:
            is_for_an_attempt = scope["path"].endswith("/secrets")
            token = ATTEMPT_TOKEN if is_for_an_attempt else TOKEN
            if dict(scope["headers"]).get(b"authorization") != f"Bearer {token}".encode():
                raise NotAuthenticated("no token that we know")
            status, answer = 200, await _route(fake, tmp_path, scope, body)
        except PileusError as error:
            answer = json.dumps({"error": error.to_wire()}).encode()
            status = http_status(error)
        await send({"type": "http.response.start", "status": status, "headers": []})
        await send({"type": "http.response.body", "body": answer})

    return application


async def _route(fake, tmp_path, scope, body):  # noqa: PLR0911  one for each route
    query = dict(part.split("=") for part in scope["query_string"].decode().split("&") if part)
    match scope["method"], scope["path"].removeprefix("/api/v1/").split("/"):
        case "POST", ["nodes", "register"]:
            registered = await fake.register(Registration.model_validate_json(body))
            return registered.model_dump_json().encode()
        case "POST", ["nodes", node, "sync"]:
            report = NodeReport.model_validate_json(body)
            return (await fake.sync(node, report, float(query["wait"]))).model_dump_json().encode()
        case "POST", ["nodes", node, "usage"]:
            await fake.tell_usage(node, UsageReport.model_validate_json(body))
            return b""
        case "PUT", ["attempts", attempt, "streams", name]:
            end = await fake.append(attempt, name, int(query["offset"]), pieces(body))
            return json.dumps({"offset": end}).encode()
        case "POST", ["projects", project, "blobs", "missing"]:
            missing = await fake.missing(project, json.loads(body)["digests"])
            return json.dumps({"missing": missing}).encode()
        case "PUT", ["projects", project, "blobs", digest]:
            assert digest == digest_of(body)
            path = tmp_path / "received"
            path.write_bytes(body)
            await fake.put_blob(project, Artifact(path="", digest=digest, size=len(body)), path)
            return b"{}"
        case "GET", ["projects", project, "blobs", digest]:
            return b"".join([piece async for piece in fake.blob(project, digest)])
        case "GET", ["projects", project, "jobs", job, "secrets"]:
            values = await fake.secrets(project, job, ATTEMPT_TOKEN)
            return SecretValues(secrets=values).model_dump_json().encode()
        case method, path:
            raise AssertionError(f"{method} {path}")
