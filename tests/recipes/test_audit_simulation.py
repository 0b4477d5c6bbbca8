"""A short form of the simulations; the full one is `python -m recipes.audit_simulation.recipe`."""

from pathlib import Path

from recipes.audit_simulation import recipe
from recipes.audit_simulation.simulate import nothing_planted, planted


def test_nothing_is_called_where_nothing_is() -> None:
    """Of 20 audits 1, three standard errors 3."""
    found = nothing_planted(range(20), 400)
    assert found.of["anything significant"] == 20
    assert found.held["anything significant"] <= 4
    assert found.share("rate, some speakers") > 0.9


def test_a_tenth_of_all_is_found() -> None:
    found = planted(range(3), 1500, 0.1)
    assert found.share("by accent") == 1.0


def test_a_page_is_written(tmp_path: Path) -> None:
    recipe.main(["--audits", "4", "--people", "400", "--page", str(tmp_path / "page.md")])
    text = (tmp_path / "page.md").read_text()
    assert "| anything significant | " in text
    assert "| 0.8% | " in text
    assert "| ratio, mixed Poisson | " in text
