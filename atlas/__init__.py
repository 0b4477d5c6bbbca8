"""Makes the outlines that maps of an audit are drawn on, out of what others have published."""
