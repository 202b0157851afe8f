"""Archives for TorchServe (.mar).

building   builds archives whose inputs changed
contents   the files that each handler loads
export     weights to TorchScript
checksums  SHA-256 files beside the archives
"""
