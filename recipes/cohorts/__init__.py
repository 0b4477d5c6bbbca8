"""Geodemographic against automatic discovery of cohorts, and audits of real results."""
