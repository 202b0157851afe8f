"""Training on demand: from a folder with a specification to an archive.

pipeline       the whole run, from the folder to the model store
specification  spec.json: what to train
events         events.jsonl and standard output: progress and results
split          divides labelled pictures into training and held-out ones
validation     measures and calibrates a network on data that no training uses
trainer        one training, from pictures to a network
tuning         many short trainings, of which the best is kept
model_card     the model card of the result
"""
