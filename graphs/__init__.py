"""Makes the graphs of `src/allears/weights/graphs` out of the torch networks: `python -m graphs`."""
