"""Geographic disparities and elastic weight consolidation, arXiv 2207.07850."""
