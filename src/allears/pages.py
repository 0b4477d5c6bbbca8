"""Pages and pictures out of templates, which lie beside the modules that fill them."""

from importlib import resources

from jinja2 import Environment, FunctionLoader, StrictUndefined, Template


def template(package: str, name: str) -> Template:
    """The one of that name in a package; an unknown name within it is an error, and text is escaped."""
    environment = Environment(
        loader=FunctionLoader(lambda name: (resources.files(package) / name).read_text("utf-8")),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template(name)
