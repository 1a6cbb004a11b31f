import pytest
from pydantic import ValidationError

from pileus.jobs.settings import JobsSettings


def test_a_fence_shorter_than_a_lease_is_refused():
    with pytest.raises(ValidationError, match="fence_seconds must be at least lease_seconds"):
        JobsSettings(lease_seconds=30.0, fence_seconds=29.0)
