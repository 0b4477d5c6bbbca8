"""Mitigation of disparities between cohorts, arXiv 2207.11345."""
