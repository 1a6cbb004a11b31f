"""The services that routes speak to, as one value; built in `wiring.py`, held by the app."""

from __future__ import annotations

from dataclasses import dataclass

from pileus.jobs.node_removal import NodeRemoval
from pileus.jobs.nodes import NodeService
from pileus.jobs.pipelines import PipelineService
from pileus.jobs.quotas import QuotaService
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
from pileus.security.audit import AuditLog
from pileus.security.keys import KeyService
from pileus.security.rewriting import Rewriting
from pileus.security.secrets import SecretService
from pileus.security.service import AccessService
from pileus.server.authentication import Authentication
from pileus.server.deletion.collection import Collector
from pileus.server.deletion.service import DeletionService
from pileus.server.figures import Figures
from pileus.server.registration import Registrar
from pileus.server.why import WhyService
from pileus.serving.endpoints import EndpointService
from pileus.serving.lineage import LineageService
from pileus.serving.records import RecordService
from pileus.serving.routes import RouteService
from pileus.storage.blob import BlobStore
from pileus.storage.database import Database
from pileus.storage.staged import Staging
from pileus.tracking.metrics import MetricService
from pileus.tracking.streams import StreamStore


@dataclass(frozen=True)
class Services:
    """What the API may use."""

    database: Database
    blobs: BlobStore
    authentication: Authentication
    access: AccessService
    keys: KeyService
    rewriting: Rewriting
    secrets: SecretService
    audit: AuditLog
    code: CodeService
    datasets: DatasetService
    profiles: ProfileService
    models: ModelService
    registrar: Registrar
    jobs: JobService
    quotas: QuotaService
    pipelines: PipelineService
    schedules: ScheduleService
    nodes: NodeService
    node_removal: NodeRemoval
    usage: UsageService
    streams: StreamStore
    metrics: MetricService
    endpoints: EndpointService
    routes: RouteService
    records: RecordService
    lineage: LineageService
    why: WhyService
    ledger: Ledger
    prices: PriceBook
    storage: StorageAccount
    meters: PredictionMeters
    figures: Figures
    staging: Staging
    deletion: DeletionService
    collector: Collector
    max_blob_bytes: int
