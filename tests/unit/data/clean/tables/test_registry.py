from typing import get_args

from pileus.core.schemas.transform import IMAGES, TABLE, AnyStep
from pileus.data.clean.images.registry import IMAGE_STEPS
from pileus.data.clean.tables.registry import TABLE_STEPS


class TestRegistries:
    def test_every_step_of_a_spec_is_carried_out_on_the_kinds_it_is_for(self):
        union, _ = get_args(AnyStep)
        steps = {get_args(one.model_fields["step"].annotation)[0]: one for one in get_args(union)}

        assert set(TABLE_STEPS) == {name for name, step in steps.items() if step.kinds >= TABLE}
        assert set(IMAGE_STEPS) == {name for name, step in steps.items() if step.kinds >= IMAGES}
