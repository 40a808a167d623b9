"""Reports on a graded class: `course report`.

Data flow one way: `data` reads gradebook and records, `looks` finds what needs a look, `figures` draws,
`page` writes the HTML page, `files` CSV and JSON, `run` puts it together.
"""
