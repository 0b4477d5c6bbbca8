"""Audits of simulated speakers, of whom the truth is known: is nothing found where nothing is, and all that is?"""
