"""What the recipes of recognition share, and how the recogniser that ships is made."""
