"""What access control needs from persistence."""

from __future__ import annotations

from pileus.core.schemas.tenancy import Principal, Project, Token
from pileus.security.tables import PRINCIPALS, PROJECTS, TOKENS
from pileus.storage.rows import Rows

projects = Rows(PROJECTS, Project)
principals = Rows(PRINCIPALS, Principal)
tokens = Rows(TOKENS, Token)
