"""What the routes of the REST interface work with."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from pileus.gateway.rest.wire import RequestDecoder

if TYPE_CHECKING:
    from pileus.core.clock import Clock
    from pileus.core.ids import Ids
    from pileus.gateway.meters import Meters
    from pileus.gateway.objects import AllowedObjects
    from pileus.gateway.records import Records
    from pileus.gateway.routes import LiveRoutes
    from pileus.inference.dataplane import ServedModel


@dataclass(slots=True)
class LaneState:
    """The collaborators of one lane."""

    routes: LiveRoutes
    meters: Meters
    records: Records
    clock: Clock
    ids: Ids
    objects: AllowedObjects
    is_draining: bool = False
    _decoders: WeakKeyDictionary[ServedModel, RequestDecoder] = field(
        default_factory=WeakKeyDictionary
    )

    def decoder_of(self, model: ServedModel) -> RequestDecoder:
        """The decoder made for a model's signature; gone with the model."""
        decoder = self._decoders.get(model)
        if decoder is None:
            decoder = self._decoders[model] = RequestDecoder(model.bundle)
        return decoder
