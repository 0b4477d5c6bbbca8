"""Weights of the networks: those that ship, those of Opus' release, those a user trained. No torch."""
