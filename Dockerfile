# The daemon alone:      docker build -t driftline .
# with every extra:      docker build -t driftline --build-arg LOCK=extras .
#
# Run it with a read-only root; the state is all that it writes (config.yaml: `state: {directory: /var/lib/driftline}`):
#   docker run --read-only --tmpfs /tmp --cap-drop ALL --security-opt no-new-privileges \
#     -v "$PWD/config.yaml:/etc/driftline/config.yaml:ro" -v driftline:/var/lib/driftline driftline
#
# The base is named by tag, the version that the tests run on; a build that must be the same for ever gives a digest:
#   --build-arg BASE=python@sha256:…
ARG BASE=python:3.11-slim-bookworm

FROM ${BASE} AS build
ARG LOCK=runtime
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore
WORKDIR /src
COPY requirements/ requirements/
# The lock holds everything, so nothing is resolved here; the venv of the build itself stays behind.
RUN python -m venv --without-pip /opt/driftline \
 && python -m pip --python /opt/driftline install --no-cache-dir --no-deps --require-hashes \
      --requirement "requirements/${LOCK}.txt" \
 && python -m pip install --no-cache-dir --no-deps --require-hashes --requirement requirements/build.txt
COPY pyproject.toml README.md LICENSE ./
COPY monitor/ monitor/
RUN python -m pip wheel --no-cache-dir --no-deps --no-build-isolation --wheel-dir /dist . \
 && python -m pip --python /opt/driftline install --no-cache-dir --no-deps --no-index /dist/*.whl \
 && install -d -m 0700 /state/driftline

FROM ${BASE}
LABEL org.opencontainers.image.title="driftline" \
      org.opencontainers.image.description="Watches models in production: drift, alerts, retraining" \
      org.opencontainers.image.licenses="Apache-2.0"
# DRIFTLINE_LIVEZ: where the healthcheck looks; give another where `server.listen` differs.
ENV PATH=/opt/driftline/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    DRIFTLINE_LIVEZ=http://127.0.0.1:10464/livez
COPY --link --from=build /opt/driftline /opt/driftline
COPY --from=build --chown=10001:10001 /state/ /var/lib/
# A number, so that Kubernetes can see that it is not root; it needs no entry in /etc/passwd.
USER 10001:10001
WORKDIR /var/lib/driftline
VOLUME ["/var/lib/driftline"]
EXPOSE 10464 10465
STOPSIGNAL SIGTERM
# No curl in the image, and no proxy on the way to oneself.
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s --retries=3 \
  CMD ["python", "-I", "-c", "import os, urllib.request as u; u.build_opener(u.ProxyHandler({})).open(os.environ['DRIFTLINE_LIVEZ'], timeout=4)"]
ENTRYPOINT ["driftline"]
CMD ["run", "-c", "/etc/driftline/config.yaml"]
