"""What one invocation of the command line shares: the global options, and what they lead to."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from pileus.cli.output import Output

if TYPE_CHECKING:
    import typer

    from pileus.cli.people import People
    from pileus.cli.settings import ClientSettings
    from pileus.sdk import Client


@dataclass
class Session:
    """Global options as given, before or after the command's name."""

    home_option: Path | None = None
    project_option: str | None = None
    url_option: str | None = None
    json: bool = False
    debug: bool = False
    writes_log: bool = False
    """Stderr is a log: a bug leaves its traceback there."""

    @staticmethod
    def of(context: typer.Context) -> Session:
        """The session of the invocation that `context` belongs to."""
        return cast("Session", context.obj)

    def adopt(self, options: dict[str, Any]) -> None:
        """Take over the options that were given; the last one given holds."""
        for name, value in options.items():
            if value is not None and value is not False:
                setattr(self, name, value)

    @cached_property
    def settings(self) -> ClientSettings:
        """Settings of the client. Raises InvalidSettings."""
        from pileus.cli.settings import ClientSettings  # start-up time
        from pileus.core import settings  # start-up time

        given = {
            "home": self.home_option,
            "project": self.project_option,
            "url": self.url_option,
        }
        home = settings.load(ClientSettings, "client", given).home
        return settings.load(ClientSettings, "client", given, home.expanduser())

    @property
    def home(self) -> Path:
        """Home of the installation on this machine."""
        return self.settings.home.expanduser().absolute()

    @property
    def project(self) -> str:
        """Project that the command is about."""
        return self.settings.project

    @cached_property
    def output(self) -> Output:
        """Where results go."""
        return Output(as_json=self.json)

    @cached_property
    def request_id(self) -> str:
        """Id of everything that this command asks for, in every process."""
        from pileus.core.clock import SystemClock  # start-up time
        from pileus.core.ids import Ids  # start-up time
        from pileus.core.request_ids import PREFIX  # start-up time

        return Ids(SystemClock()).new(PREFIX)

    @cached_property
    def client(self) -> Client:
        """A client of the installation. Raises Unavailable when it is not running."""
        from pileus.sdk import Client  # start-up time

        settings = self.settings
        token = settings.token.get_secret_value() if settings.token else None
        if settings.url is not None:
            return Client(
                settings.url,
                token or self._token_at_home(),
                settings.project,
                gateway_url=settings.gateway_url,
                patience_seconds=settings.patience_seconds,
                request_id=self.request_id,
            )
        return Client.from_home(
            self.home,
            settings.project,
            token=token,
            patience_seconds=settings.patience_seconds,
            request_id=self.request_id,
        )

    @cached_property
    def people(self) -> People:
        """Names of the members of the project."""
        from pileus.cli.people import People  # start-up time

        return People(self.client.members, self.client.deleted)

    def close(self) -> None:
        """Give the connections back."""
        if "client" in self.__dict__:
            self.client.close()

    def _token_at_home(self) -> str:
        from pileus.sdk import home  # start-up time

        return home.token_of(self.home, self.project)
