"""A course on recurrent networks: what its notebooks import."""
