"""Evaluation: figures, charts and reports.

curves            receiver operating characteristics
recognition       how well a network recognises labelled pictures
verification      how well a network tells the same character from a different one
negatives         how confident a network is on pictures that show no character
figures           files of figures
charts            charts of the figures
reports           figures as text, tables and files
comparison_sheet  overlays and feedback on one sheet, to judge by eye
contact_sheet     synthetic beside real handwriting, to judge by eye
"""
