"""What tests of calls share."""

import pytest

from tests.weights import released


@pytest.fixture(scope="session")
def opus_weights(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A folder with the released weights of Opus, where the reference data is."""
    folder = tmp_path_factory.mktemp("opus")
    released.models().save(folder)
    return str(folder)
