"""The templates of the audit's pages."""

from jinja2 import Template

from allears import pages


def template(name: str) -> Template:
    """The one of that name, as `pages.template` has it."""
    return pages.template("allears.fairness.report", name)
