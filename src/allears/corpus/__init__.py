"""Recordings to learn from and to judge by: tables of them, and packs that training draws from."""
