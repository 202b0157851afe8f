"""Synthetic handwriting and photographs of it.

augmentation  what cameras, thresholds and low resolution do to ink
capture       letterforms to ink images, as preprocessing makes them
negatives     marks that are no character: what both alphabets share
script_negatives, digit_negatives   those of the Ranjana characters and of the Western digits
photographs   photographs of ink on paper
tables        photographs of sheets that lie on tables
tensors       ink images as tensors
"""
