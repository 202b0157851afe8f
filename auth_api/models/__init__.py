"""Models and their versions: what is served, to whom, and how good it is.

states              versions and releases as the database has them
traffic_split       which version a client gets
version_routing     predictions: chooses the version, falls back to the default
releases            changes of the default, the traffic and the workers
registration        makes an archive of the model store a version
archive_validation  checks an archive before TorchServe loads it
smoke_test          has a new version read one picture
reconciler          makes TorchServe serve what the database says
model_store         versions and weights in the model store
archives            reads the card, the figures and the checksum of an archive
exporting           the download of an archive
evaluation_figures  the figures of a version's evaluation
evaluation_charts   the figures as pictures
presenting          models and versions as JSON
traffic_report      compares the versions of a model
"""
