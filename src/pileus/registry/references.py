"""Blobs that the registry's rows name."""

from pileus.registry.tables import (
    CODE_SNAPSHOTS,
    DATASET_PROFILES,
    DATASET_VERSIONS,
    MODEL_VERSIONS,
)
from pileus.storage.references import References

REFERENCES = (
    References(DATASET_VERSIONS, ("manifest", "packs")),
    References(DATASET_PROFILES, ("digest",)),
    References(MODEL_VERSIONS, ("bundle",)),
    References(CODE_SNAPSHOTS, ("manifest", "pack", "diff_digest")),
)
