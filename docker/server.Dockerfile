# The server: Python, the package `fanfare`, what its metrics and a shared log take, and nothing else.
# Without RUN --mount and heredocs, so that the classic builder takes it too.

# Official Python by default; docker/base-image.sh makes a stand-in where no registry can be reached.
ARG BASE_IMAGE=python:3.14-slim

FROM ${BASE_IMAGE} AS build
# A package index of one's own, for this stage only: nothing of it is left in the image.
ARG PIP_INDEX_URL
ARG PIP_EXTRA_INDEX_URL
ARG PIP_TRUSTED_HOST
WORKDIR /src
RUN python3 -m venv /build
COPY requirements/build.txt requirements/metrics.txt requirements/cluster.txt requirements/
RUN /build/bin/pip install --no-cache-dir --require-hashes -r requirements/build.txt
COPY pyproject.toml README.md LICENSE ./
COPY chat chat
COPY loadtest loadtest
RUN /build/bin/pip wheel --no-deps --no-index --no-build-isolation --wheel-dir /wheels . \
    && python3 -m venv --without-pip /opt/fanfare \
    && /build/bin/pip --python /opt/fanfare/bin/python install --no-index /wheels/*.whl \
    && /build/bin/pip --python /opt/fanfare/bin/python install --no-cache-dir --require-hashes \
        -r requirements/metrics.txt -r requirements/cluster.txt

FROM ${BASE_IMAGE}
# A server installs nothing: pip goes, both the official image's and the one that Debian keeps for venv.
RUN rm -rf /usr/local/bin/pip* /usr/local/lib/python3.*/site-packages/pip* \
    /usr/local/lib/python3.*/ensurepip /usr/lib/python3.*/ensurepip /usr/share/python-wheels
# Nothing here may make anybody root: programs of Debian's base, such as su and mount, are setuid.
RUN find / -xdev -type f -perm /6000 -exec chmod ug-s {} +
COPY --from=build /opt/fanfare /opt/fanfare
# The log's place, which a new volume takes over with its owner.
RUN install -d -m 700 -o 10001 -g 10001 /data
VOLUME /data
# The root file system may be read-only (no bytecode to write), and logs must not wait in a buffer.
ENV PATH=/opt/fanfare/bin:$PATH PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
ENV FANFARE_DATA_HOME=/data
# A number, so that an orchestrator can see that it is not root.
USER 10001:10001
# In a container 127.0.0.1 would be out of reach; what is published decides who gets in.
ENV FANFARE_LISTEN=irc://0.0.0.0:6667,relay://0.0.0.0:55555,joined://0.0.0.0:10319,tilde://0.0.0.0:1100,nick://0.0.0.0:5501
EXPOSE 6667 55555 10319 1100 5501
# Asks in IRC and wants an answer: an open port alone would not show that the loop runs. It asks the first IRC listener
# of FANFARE_LISTEN, or of the file FANFARE_CONFIG.
# Every 5 s: a start waits for the first check, and each costs 0.15 s of CPU beside whatever is being measured.
HEALTHCHECK --interval=5s --timeout=10s --retries=3 CMD ["fanfare", "check"]
# Exec form: the server is process 1 and gets SIGTERM itself, drains, and exits 0.
ENTRYPOINT ["fanfare"]
CMD ["serve"]
