"""Counts and quality: how good what came out is."""
