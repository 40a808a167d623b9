"""The course's site: its labs, documents and reference as pages to read without a network.

`python -m course.authoring.site` (`make site`) writes it to build/site. `lab_page` makes a page of a lab,
with `outputs` and `titles` for its figures; `documents` and `modules` make other pages; `sources` writes all
of them as a tree for each language; `build` has Sphinx make HTML of the trees, and `links` looks at what
came out.
"""
