# The simulated users: Locust and `loadtest`.
# Without RUN --mount and heredocs, so that the classic builder takes it too.

# Official Python by default; docker/base-image.sh makes a stand-in where no registry can be reached.
ARG BASE_IMAGE=python:3.14-slim

FROM ${BASE_IMAGE} AS build
# A package index of one's own, for this stage only: nothing of it is left in the image.
ARG PIP_INDEX_URL
ARG PIP_EXTRA_INDEX_URL
ARG PIP_TRUSTED_HOST
RUN python3 -m venv /build && python3 -m venv --without-pip /opt/fanfare
COPY requirements/load.txt requirements/
# Wheels only: there is no compiler here, and a source package would fail late and obscurely.
RUN /build/bin/pip --python /opt/fanfare/bin/python install --no-cache-dir --only-binary :all: \
    --require-hashes -r requirements/load.txt

FROM ${BASE_IMAGE}
# For crash's way `silence`: it drops packets, within the container's own network only.
RUN apt-get update \
    && apt-get install --yes --no-install-recommends nftables \
    && rm -rf /var/lib/apt/lists/* /var/cache/apt/* /var/cache/debconf/* /var/log/apt /var/log/dpkg.log
RUN find / -xdev -type f -perm /6000 -exec chmod ug-s {} +
COPY --from=build /opt/fanfare /opt/fanfare
# The sources as they lie in the repository, so that `-f loadtest/locustfile.py` means the same in both.
WORKDIR /fanfare
COPY chat chat
COPY loadtest loadtest
COPY docker/cluster/faults.sh /usr/local/bin/
# For a report without a mount, or with a named volume, which takes over the directory's owner.
RUN install -d -o 10001 -g 10001 /report
ENV PATH=/opt/fanfare/bin:$PATH PYTHONPATH=/fanfare PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
USER 10001:10001
EXPOSE 8089
ENTRYPOINT ["locust", "-f", "loadtest/locustfile.py"]
