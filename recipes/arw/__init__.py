"""Adversarial reweighting for speaker verification, arXiv 2207.07776."""
