"""Layers that stream (torch), and the sessions that run them live without torch (onnxruntime)."""
