"""Recognition of people who talk at once: who says what, and when each turn begins and ends."""
