"""How the voice network that ships is made, and how well it knows who speaks."""
