"""Bytes and clocks: what goes over the network. No audio, no torch."""
