"""The history: predictions and comparisons of signed-in users, with their pictures.

recorder    stores a prediction or comparison before the answer goes out
queries     pages, shows and deletes entries
pictures    stores the pictures as files
presenting  entries as the API shows them
exporting   the whole history as JSON or CSV
"""
