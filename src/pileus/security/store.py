"""What access control needs from persistence."""

from __future__ import annotations

from pileus.core.schemas.keys import BlobRewrite, ProjectKey
from pileus.core.schemas.tenancy import Principal, Project, Token
from pileus.security.tables import BLOB_REWRITES, PRINCIPALS, PROJECT_KEYS, PROJECTS, TOKENS
from pileus.storage.rows import Rows

projects = Rows(PROJECTS, Project)
principals = Rows(PRINCIPALS, Principal)
tokens = Rows(TOKENS, Token)
project_keys = Rows(PROJECT_KEYS, ProjectKey)
blob_rewrites = Rows(BLOB_REWRITES, BlobRewrite)
