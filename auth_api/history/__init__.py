"""The history: predictions and comparisons of signed-in users, with their pictures.

recorder        stores a prediction or comparison before the answer goes out
queries         pages, shows and deletes entries
pictures        names of pictures, and what a store of them does
picture_folder  stores the pictures as files
picture_bucket  stores the pictures on S3
presenting      entries as the API shows them
exporting       the whole history as JSON or CSV
"""
