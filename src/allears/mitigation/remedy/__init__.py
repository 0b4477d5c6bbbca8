"""The whole way from an audit to a better model and the same audit again, on speakers never used."""
