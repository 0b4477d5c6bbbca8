"""Where to look for people who are served worse: named labels, the map, the census, voices, combinations."""
