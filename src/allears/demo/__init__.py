"""The demonstration: real speech over a bad network, as one page."""
