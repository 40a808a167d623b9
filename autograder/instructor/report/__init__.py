"""Reports on a graded class: `course report`.

Data flow one way: `collect` reads gradebook and records into `data`, `review_reasons` finds what a person
should review, `figures` draws, `page` writes the HTML page, `data_files` CSV and JSON, `writer` puts it
together.
"""
