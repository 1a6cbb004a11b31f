"""The composition root: every implementation of the server process is named here, once."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path

from fastapi import FastAPI

from pileus.core.clock import Clock, SystemClock
from pileus.core.failpoints import failpoint
from pileus.core.ids import Ids
from pileus.core.staging import staging_root
from pileus.data.clean.catalogue import Cleaning
from pileus.jobs.ends import Ends
from pileus.jobs.engine import Engine
from pileus.jobs.learning import Learning
from pileus.jobs.node_removal import NodeRemoval
from pileus.jobs.nodes import NodeService
from pileus.jobs.outcomes import Outcome
from pileus.jobs.pipelines import PipelineService
from pileus.jobs.pool import PoolMirror
from pileus.jobs.quotas import QuotaService
from pileus.jobs.reaping import Reaper
from pileus.jobs.schedules import ScheduleService
from pileus.jobs.service import JobService
from pileus.jobs.usage import UsageService
from pileus.metering.ledger import Ledger
from pileus.metering.predictions import PredictionMeters
from pileus.metering.prices import PriceBook
from pileus.metering.storage import StorageAccount
from pileus.registry.code import CodeService
from pileus.registry.datasets import DatasetService
from pileus.registry.models import ModelService
from pileus.registry.profiles import ProfileService
from pileus.security import tokens
from pileus.security.audit import AuditLog
from pileus.security.keyring import open_keyring
from pileus.security.keys import KeyService
from pileus.security.master_key import source_of
from pileus.security.rewriting import Rewriting
from pileus.security.secrets import SecretService
from pileus.security.service import DEFAULT_PROJECT, AccessService
from pileus.security.shredding import Shredder
from pileus.security.tables import PROJECT_KEYS
from pileus.security.tombstones import Tombstones
from pileus.server.api.app import create_app
from pileus.server.authentication import Authentication
from pileus.server.deletion.collection import Collector
from pileus.server.deletion.service import DeletionService
from pileus.server.drafts import Drafts
from pileus.server.figures import Figures
from pileus.server.outcomes import ModelOutcome, VersionOutcome
from pileus.server.registration import Registrar
from pileus.server.rounds import Work
from pileus.server.services import Services
from pileus.server.settings import ServerSettings, Settings
from pileus.server.tables import TABLES
from pileus.server.why import WhyService
from pileus.serving.endpoints import EndpointService
from pileus.serving.lineage import LineageService
from pileus.serving.records import RecordService
from pileus.serving.routes import RouteService
from pileus.storage.blobs.encrypted import EncryptedBlobStore
from pileus.storage.blobs.files import BlobFiles
from pileus.storage.blobs.rewriting import BlobRewriter
from pileus.storage.database import Database
from pileus.storage.databases.sqlite_traces import SqliteTraces
from pileus.storage.holds import is_held
from pileus.storage.staged import CLEAR_SECONDS, Staging
from pileus.storage.traces import NoTraces, Traces
from pileus.tracking.metrics import MetricService
from pileus.tracking.streams import StreamStore
from pileus.training.catalogue import RecipeTable

log = logging.getLogger(__name__)

MIB = 1024 * 1024
DATABASE_NAME = "pileus.db"


@asynccontextmanager
async def running_app(settings: Settings) -> AsyncIterator[FastAPI]:
    """The application over an open database, with the engine's loops running."""
    clock = SystemClock()
    database = await open_database(settings.server)
    try:
        services, engine = await assemble(settings, database, clock)
        app = create_app(services, Ids(clock).new, settings.server.max_body_mib * MIB)
        async with _loops(settings, engine, services, clock):
            yield app
    finally:
        await database.close()


async def open_database(settings: ServerSettings) -> Database:
    """The database, migrated and started; SQLite in the home unless a URL says otherwise."""
    from pileus.storage.migrate import migrate  # SQLAlchemy: only the server process has it

    database: Database
    if settings.database_url is None:
        from pileus.storage.databases.sqlite import SqliteDatabase  # as above

        path = settings.state / DATABASE_NAME
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        database = SqliteDatabase(path, TABLES)
        url = f"sqlite:///{path}"
    else:
        from pileus.storage.databases.postgres import PostgresDatabase  # an extra

        url = settings.database_url.get_secret_value()
        database = PostgresDatabase(url, TABLES)
    await asyncio.to_thread(migrate, url, TABLES, settings.state / "backups")
    await database.start()
    return database


async def assemble(settings: Settings, database: Database, clock: Clock) -> tuple[Services, Engine]:
    """Build every service over a started database, and bootstrap an empty one."""
    home = settings.server.home
    new_id = Ids(clock).new
    key = tokens.load_token_key(settings.server.token_key_path)
    audit = AuditLog(new_id)
    source = source_of(settings.security, home)
    encrypts = settings.security.encrypt_blobs
    keyring = await open_keyring(database, new_id, source, makes=encrypts)
    files = BlobFiles(home / "blobs")
    blobs = EncryptedBlobStore(files, keyring, encrypts=encrypts)
    await blobs.start()
    staging = Staging(staging_root(home))
    await staging.clear()
    held = partial(is_held, settings.server.state / "holds")
    rewriter = BlobRewriter(files, held)
    rewriting = Rewriting(database, keyring, rewriter)
    shredder = Shredder(database, new_id, keyring, rewriter, _traces(settings.server))
    await shredder.finish()
    streams = StreamStore(home / "streams", database, blobs, settings.tracking.log_bytes)
    ledger = Ledger(database, new_id, settings.metering.currency)
    storage = StorageAccount(database, ledger, new_id)
    metrics = MetricService(database, streams, blobs, storage)
    drafts = Drafts(blobs, storage)
    outcomes: dict[str, Outcome] = {
        "train": ModelOutcome(blobs, new_id),
        "transform": VersionOutcome(drafts, new_id),
    }
    ends = Ends(database, clock, streams, metrics, ledger, storage, outcomes, settings.jobs)
    access = AccessService(database, clock, new_id, key, audit)
    learning = Learning()
    mirror = PoolMirror(
        settings.jobs.lease_seconds,
        learning.history,
        by_rank=settings.jobs.order == "expected",
    )
    jobs = JobService(
        database,
        new_id,
        audit,
        RecipeTable(),
        Cleaning(),
        settings.jobs,
        settings.metering.currency,
        mirror,
    )
    pipelines = PipelineService(database, new_id, audit, jobs)
    profiles = ProfileService(database, new_id, audit, storage)
    datasets = DatasetService(database, new_id, audit, profiles, storage)
    records = RecordService(database, blobs, storage)
    lineage = LineageService(database, records)
    prices = PriceBook(database, new_id, audit, storage.settle)
    buried = Tombstones(new_id, timedelta(hours=settings.deletion.grace_hours))
    services = Services(
        database=database,
        blobs=blobs,
        authentication=Authentication(
            access,
            database,
            key,
            _process_token(settings.server.run / "worker.token", tokens.WORKER),
            _process_token(settings.server.run / "gateway.token", tokens.GATEWAY),
            _process_token(settings.server.run / "metrics.token", tokens.METRICS),
        ),
        access=access,
        keys=KeyService(
            database, new_id, keyring, source, audit, rewriting, shredder, encrypts=encrypts
        ),
        rewriting=rewriting,
        secrets=SecretService(database, new_id, keyring, audit, encrypts=encrypts),
        audit=audit,
        code=CodeService(database, audit, storage, blobs),
        datasets=datasets,
        profiles=profiles,
        models=ModelService(database),
        registrar=Registrar(
            database, new_id, blobs, drafts, storage, datasets, profiles, jobs, audit
        ),
        jobs=jobs,
        quotas=QuotaService(database, new_id, audit),
        pipelines=pipelines,
        schedules=ScheduleService(database, clock, new_id, audit, pipelines),
        nodes=NodeService(database, clock, new_id, ends, key, settings.jobs),
        node_removal=NodeRemoval(database, new_id, audit, settings.jobs.lease_seconds),
        usage=UsageService(database, settings.metering.currency, settings.jobs.lease_seconds),
        streams=streams,
        metrics=metrics,
        endpoints=EndpointService(database, new_id, audit),
        routes=RouteService(database, clock, key),
        records=records,
        lineage=lineage,
        why=WhyService(database, jobs, records, lineage),
        ledger=ledger,
        prices=prices,
        storage=storage,
        meters=PredictionMeters(database, ledger),
        figures=Figures(),
        staging=staging,
        deletion=DeletionService(database, buried, audit, storage),
        collector=Collector(
            database, clock, blobs, storage, buried, shredder, settings.deletion, held
        ),
        max_blob_bytes=settings.server.max_blob_mib * MIB,
    )
    await prices.ensure_defaults()
    await _first_token(access, settings.server.run / "tokens.json")
    await jobs.undrain()
    await ends.finish()
    reaper = Reaper(database, clock, ends, settings.jobs)
    engine = Engine(database, clock, new_id, ledger, reaper, settings.jobs, learning, mirror)
    return services, engine


@asynccontextmanager
async def _loops(
    settings: Settings, engine: Engine, services: Services, clock: Clock
) -> AsyncIterator[None]:
    metering, rounds = settings.metering, services.figures.rounds

    def every(name: str, seconds: float, work: Work) -> asyncio.Task[None]:
        rounding = _every(name, seconds, rounds.timed(name, work), clock)
        return asyncio.create_task(rounding, name=name)

    tasks = [
        asyncio.create_task(engine.run(), name="engine"),
        asyncio.create_task(services.schedules.run(), name="schedules"),
        every("lease_metering", metering.slice_seconds, engine.meter),
        every("storage_metering", metering.storage_slice_seconds, services.storage.advance_all),
        every("staging", CLEAR_SECONDS, services.staging.clear),
        asyncio.create_task(services.rewriting.run(), name="rewriting"),
        asyncio.create_task(services.collector.run(services.deletion.due), name="collector"),
    ]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _every(name: str, seconds: float, work: Work, clock: Clock) -> None:
    while True:
        await clock.sleep(seconds)
        try:
            await work()
        except Exception:
            # What is not on the ledger now will be with the next slice: marks tell where to go on.
            log.exception("A round of %s failed; the next one takes up what it left", name)


def _traces(settings: ServerSettings) -> Traces:
    if settings.database_url is not None:
        return NoTraces()
    return SqliteTraces(
        settings.state / DATABASE_NAME, settings.state / "backups", PROJECT_KEYS, "wrapped"
    )


def _process_token(path: Path, prefix: str) -> str:
    return tokens.load_or_create_secret(path, tokens.new_token(prefix))


async def _first_token(access: AccessService, path: Path) -> None:
    """Leave the owner's token for the local command line, mode 0600.

    A kill between the bootstrap's commit and this file is repaired at the next start.
    """
    secret = await access.bootstrap()
    if secret is None and not await asyncio.to_thread(path.exists):
        secret = await access.recover(DEFAULT_PROJECT)
    if secret is not None:
        failpoint("token.issued")
        tokens.replace_secret(path, json.dumps({DEFAULT_PROJECT: secret}))
