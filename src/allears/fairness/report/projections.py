"""The round earth on a flat page (Snyder 1987, Map Projections – A Working Manual)."""

from collections.abc import Callable

import numpy as np

from allears.fairness.report.geometry import Box, Points, bounds

Projection = Callable[[Points], Points]
"""From longitude and latitude in degrees."""


def albers(first: float, second: float, east: float, north: float) -> Projection:
    """Equal areas on a cone that cuts the earth at two latitudes (Snyder 14-1 to 14-6); x east, y north."""
    n = (np.sin(np.radians(first)) + np.sin(np.radians(second))) / 2
    c = np.cos(np.radians(first)) ** 2 + 2 * n * np.sin(np.radians(first))

    def radius(latitude: np.ndarray) -> np.ndarray:
        found: np.ndarray = np.sqrt(np.maximum(0.0, c - 2 * n * np.sin(np.radians(latitude)))) / n
        return found

    middle = radius(np.array(north))

    def project(points: Points) -> Points:
        angle, away = n * np.radians(points[:, 0] - east), radius(points[:, 1])
        return np.stack([away * np.sin(angle), middle - away * np.cos(angle)], axis=1)

    return project


def plain(latitude: float) -> Projection:
    """Degrees as they are, those of longitude as long as they are at a latitude (Snyder 12-1)."""
    scale = np.array([np.cos(np.radians(latitude)), 1.0])

    def project(points: Points) -> Points:
        found: Points = points * scale
        return found

    return project


def fitted(
    flat: Projection, ground: Box, place: tuple[float, float, float, float]
) -> tuple[tuple[float, float, float, float], Projection]:
    """The same with `ground` in the middle of a rectangle, y downwards; a height of 0 is as high as it takes."""
    south, west, north, east = bounds(flat(ground.outline()))
    left, top, width, height = place
    height = height or width * (north - south) / (east - west)
    scale = min(width / (east - west), height / (north - south))
    centre = np.array([(west + east) / 2, (south + north) / 2])
    to = np.array([left + width / 2, top + height / 2])

    def project(points: Points) -> Points:
        found: Points = (flat(points) - centre) * [scale, -scale] + to
        return found

    return (left, top, width, round(height, 1)), project
