"""Predictions and administration by TorchServe, over HTTP.

client        predictions, versions and workers; all that other rooms call
batcher       the request queue of one model: batches requests, rejects when it is too long
alone         sends images again that a batch did not answer, one at a time
predictions   sends one image or one batch, translates the answers
wire_format   several images in one HTTP request
connection    pooled connections; translates TorchServe's errors
keys          TorchServe's tokens and their renewal
outage_retry  repeats predictions while TorchServe restarts
"""
