"""Networks and how they learn.

networks            the networks and their files of weights
torchvision_import  the only import of torchvision
labelled            folders of labelled pictures
digits              MNIST, and images made from it
datasets            batches of synthetic images
objectives          the losses
loop                trains a network, with checkpoints
parallel            several processes that train one network together
progress_bar        shows the progress of a training on the terminal
"""
