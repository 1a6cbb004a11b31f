"""Names of files that hold secrets as a rule. A snapshot takes them only when asked to."""

from __future__ import annotations

from fnmatch import fnmatchcase

_HARMLESS = ("*.example", "*.sample", "*.template", "*.dist", "*.pub")
"""Forms to be filled in, and public halves of keys."""

_NAMES = (
    ".env",
    ".env.*",
    "*.env",
    ".envrc",
    ".netrc",
    ".pgpass",
    ".pypirc",
    ".npmrc",
    ".git-credentials",
    ".htpasswd",
    "credentials",
    "credentials.json",
    "secrets.json",
    "secrets.toml",
    "secrets.yaml",
    "secrets.yml",
    "service-account*.json",
    "service_account*.json",
    "id_rsa*",
    "id_dsa*",
    "id_ecdsa*",
    "id_ed25519*",
    "*.pem",
    "*.key",
    "*.p12",
    "*.pfx",
    "*.jks",
    "*.kdbx",
)
_FOLDERS = {".aws", ".azure", ".gnupg", ".kube", ".ssh"}

PATTERNS = (*_NAMES, *(f"{folder}/*" for folder in sorted(_FOLDERS)))
"""All of it, as a message or a page may list it."""


def is_secret(path: str) -> bool:
    """Whether a file of this path holds a secret, to judge by its name alone."""
    *folders, name = path.lower().split("/")
    if not _FOLDERS.isdisjoint(folders):
        return True
    if any(fnmatchcase(name, pattern) for pattern in _HARMLESS):
        return False
    return any(fnmatchcase(name, pattern) for pattern in _NAMES)
