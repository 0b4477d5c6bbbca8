"""From what networks say to symbols, words and phrases; arrays in, nothing of torch."""
