"""The tables of articles on our own material, each written by a program."""
