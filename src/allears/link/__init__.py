"""A call: a sender and a receiver that do no I/O, and thin skins around them."""
