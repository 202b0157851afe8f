"""Models and their versions: what is served, to whom, and how good it is.

tables      the versions that are to be served, and who gets which
arms        which version a caller gets
releases    what operators change, kept in the database and told to TorchServe
checking    what an archive must be before a version is made of it
trying      a new version reads its first picture
aligning    brings TorchServe in line with the tables again and again
serving     predictions: the caller's version, or the default where that one fails
archives    what an archive says about itself: card, figures, checksum
charts      its figures as pictures
presenting  all of it in JSON
reports     how the versions of a model compare
"""
