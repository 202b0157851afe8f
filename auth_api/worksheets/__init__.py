"""Worksheets: printed sheets to write on, and photographs of them.

drawing    a PDF of sheets
glyphs     places characters in cells
labels     texts in English and Nepali
printing   the sheets that callers ask for
selection  the characters that a request asks for

`handlers.worksheet_layout` has the layout, because the handler reads it too. `files` is made by
`python -m archive_scripts worksheet-files`.
"""
