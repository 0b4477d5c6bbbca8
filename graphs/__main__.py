"""`python -m graphs`: write every graph, and the shapes of the weights they take."""

import json

from allears.outputs import write_whole
from allears.weights.store import SHAPES, graph
from graphs.shapes import all_shapes
from graphs.steps import all_steps


def main() -> None:
    """Write all."""
    for name, step in all_steps().items():
        step.write(graph(name))
    lines = (f'"{kind}": {json.dumps(shapes)}' for kind, shapes in all_shapes().items())
    write_whole(SHAPES, ("{\n" + ",\n".join(lines) + "\n}\n").encode())


if __name__ == "__main__":
    main()
