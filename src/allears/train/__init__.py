"""One training loop for every task of the house."""
