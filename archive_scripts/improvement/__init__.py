"""Training on demand: a folder with a specification goes in, an archive comes out.

specification   what is asked for
events          what is told of it, and what was already told before an interruption
pictures        which labelled pictures are trained on and which are held out
judging         validation after every epoch, calibration and figures at the end
training        one training, from pictures to weights
tuning          many short ones, of which the best is kept
card            what people should know of the result
run             all of it, from the folder to the model store
"""
