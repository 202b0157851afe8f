"""Models and their versions: what is served, to whom, and how good it is.

tables       the versions that are to be served, and who gets which
states       the same as they are at a moment
versions     what a version is called
arms         which version a caller gets
releases     what operators change, kept in the database and told to TorchServe
registering  an archive of the model store becomes a version
checking     what an archive must be before that
trying       a new version reads its first picture
aligning     brings TorchServe in line with the tables again and again
serving      predictions: the caller's version, or the default where that one fails
store        the model store: which versions have an archive or weights there
archives     what an archive says about itself: card, figures, checksum
exporting    an archive is taken away
figures      what the evaluation in an archive found
charts       the same as pictures
presenting   all of it in JSON
reports      how the versions of a model compare
"""
