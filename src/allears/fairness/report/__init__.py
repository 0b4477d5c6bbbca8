"""What an audit found, for people and for programs: one page, tables, and what a pipeline fails by."""
