"""Models and their versions: what is served, to whom, and how good it is.

tables      the versions that are to be served, and who gets which
releases    what operators change
arms        which version a caller gets
aligning    brings TorchServe in line with the tables
checking    what an archive must be before it is registered
presenting  the same in JSON
cards       what an archive says about itself
reports     how the versions of a model compare
"""
