"""Synthetic handwriting and photographs of it.

augmentation  what cameras, thresholds and low resolution do to ink
capture       letterforms to ink images, as preprocessing makes them
negatives     marks that are no character
photographs   photographs of ink on paper
tensors       ink images as tensors
"""
