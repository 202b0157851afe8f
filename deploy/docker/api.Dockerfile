# The service without models: no torch, no OpenCV, no Java.
#
#     docker build --file deploy/docker/api.Dockerfile --tag ranjana-api:0.1.0 .

FROM python:3.12.14-slim-bookworm@sha256:392307d22300de8b5986851a12d9176dfc0fc073e65bf6523ebd7dcbeb23564e AS installed
COPY requirements/api.txt /requirements/
RUN python -m venv /opt/venv \
    && /opt/venv/bin/pip install --no-cache-dir --disable-pip-version-check \
        --require-hashes --requirement /requirements/api.txt

FROM python:3.12.14-slim-bookworm@sha256:392307d22300de8b5986851a12d9176dfc0fc073e65bf6523ebd7dcbeb23564e
# The same user id in all images, because only its own user can read TorchServe's keys.
RUN groupadd --gid 10001 ranjana \
    && useradd --uid 10001 --gid ranjana --no-create-home --home-dir /tmp ranjana \
    && install --directory --owner ranjana --group ranjana --mode 0700 \
        /srv/backups /srv/data /srv/keys /srv/media /srv/models
COPY --from=installed /opt/venv /opt/venv
WORKDIR /opt/ranjana
COPY archive_scripts archive_scripts
COPY auth_api auth_api
COPY handlers handlers
COPY reference_images reference_images
# Trainings are planned from the existing weights.
COPY weights weights
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    HOME=/tmp \
    API_HOST=0.0.0.0 \
    DATA_DIR=/srv/data \
    MEDIA_DIR=/srv/media \
    MODEL_STORE=/srv/models \
    TRAINING_CONCURRENCY=0
# Compiled now, because no file can be written there later. A checkout may be readable by its owner
# only.
RUN python -m compileall -q . \
    && chmod -R a+rX .
USER 10001:10001
EXPOSE 8000 8083
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/health', timeout=4)"]
CMD ["python", "-m", "auth_api"]
