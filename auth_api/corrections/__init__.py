"""Corrections: users say what a picture shows, and it becomes labelled data.

feedback         stores feedback, with the digest of its picture
picture_digests  adds digests to feedback from before digests were stored
queries          reads feedback together with its prediction and its user
standing         which accounts decide together with others
voting           decides the label of a picture from the votes of its users; pure functions
review           lists corrections and judges them
data_set         collects the pictures whose label is decided
exporting        writes them to a folder or a zip
presenting       JSON

A picture becomes data only while its user consents and has an active account. Each export checks
this anew.
"""
