"""From features to a voice: vocoders."""
