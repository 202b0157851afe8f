# TorchServe and its workers, the training of models and the building of archives.
#
#     docker build --file deploy/docker/models.Dockerfile --tag ranjana-models:0.1.0 .
#
# With torch for NVIDIA GPUs, which only training uses (workers run on the CPU):
#
#     docker build --build-arg TORCH_INDEX=https://pypi.org/simple ...

FROM python:3.12.14-slim-bookworm@sha256:392307d22300de8b5986851a12d9176dfc0fc073e65bf6523ebd7dcbeb23564e AS installed
ARG TORCH_INDEX=https://download.pytorch.org/whl/cpu
COPY requirements /requirements
# As in the Makefile: torch first, in its own step; torchvision must not install another torch.
RUN python -m venv /opt/venv \
    && /opt/venv/bin/pip install --no-cache-dir --disable-pip-version-check \
        --extra-index-url "$TORCH_INDEX" --requirement /requirements/torch.txt \
    && /opt/venv/bin/pip install --no-cache-dir --disable-pip-version-check \
        --extra-index-url "$TORCH_INDEX" --no-deps --requirement /requirements/torchvision.txt \
    && /opt/venv/bin/pip install --no-cache-dir --disable-pip-version-check \
        --require-hashes --requirement /requirements/train.txt

FROM python:3.12.14-slim-bookworm@sha256:392307d22300de8b5986851a12d9176dfc0fc073e65bf6523ebd7dcbeb23564e
# The same user id in all images, because only its own user can read TorchServe's keys.
RUN groupadd --gid 10001 ranjana \
    && useradd --uid 10001 --gid ranjana --no-create-home --home-dir /tmp ranjana \
    && install --directory --owner ranjana --group ranjana --mode 0700 \
        /srv/data /srv/keys /srv/media /srv/models
COPY --from=installed /opt/venv /opt/venv
WORKDIR /opt/ranjana
COPY config.properties config.properties
COPY archive_scripts archive_scripts
COPY auth_api auth_api
COPY deploy/torchserve deploy/torchserve
COPY handlers handlers
COPY launcher launcher
COPY reference_images reference_images
COPY weights weights
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    HOME=/tmp \
    DATA_DIR=/srv/data \
    MEDIA_DIR=/srv/media \
    MODEL_STORE=/srv/models
# The archives are built now, so that a new version starts within seconds. Compiled now, because no
# file can be written there later. A checkout may be readable by its owner only.
ARG MODEL_WORKERS=2
RUN python -m archive_scripts archives --workers "$MODEL_WORKERS" \
    && python -m compileall -q . \
    && chmod -R a+rX .
USER 10001:10001
EXPOSE 8080 8081 8082
HEALTHCHECK --interval=10s --timeout=5s --start-period=180s \
    CMD ["python", "-m", "launcher.answering"]
CMD ["python", "-m", "launcher", "torchserve"]
