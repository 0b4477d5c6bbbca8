"""Encoders of a transducer, one file each; all are causal and stream."""
