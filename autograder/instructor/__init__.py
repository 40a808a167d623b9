"""The instructor's tool chain; needs the `instructor` extra."""

import sys

# nbformat checks notebooks with jsonschema, which imports this package, if it is there, to check the
# format of IRIs. No notebook has any, and building its grammar takes longer than all other imports.
sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]
