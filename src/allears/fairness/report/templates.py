"""The pages' templates: what they are made of lies beside this module."""

from importlib import resources

from jinja2 import Environment, FunctionLoader, StrictUndefined, Template


def template(name: str) -> Template:
    """The one of that name; an unknown name within it is an error, and text is escaped."""
    environment = Environment(
        loader=FunctionLoader(
            lambda name: (resources.files("allears.fairness.report") / name).read_text("utf-8")
        ),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template(name)
