"""How sure it is: intervals, tests and effects. Speakers are the unit, since what one person says is alike."""
