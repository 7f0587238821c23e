# What several servers need beside them: the store of their log, and a balancer before them, as Debian packages them.
# Without RUN --mount and heredocs, so that the classic builder takes it too.

ARG BASE_IMAGE=python:3.14-slim

FROM ${BASE_IMAGE}
RUN apt-get update \
    && apt-get install --yes --no-install-recommends redis-server haproxy \
    && rm -rf /var/lib/apt/lists/* /var/cache/apt/* /var/cache/debconf/* /var/log/apt /var/log/dpkg.log \
    && install -d -m 700 -o 10001 -g 10001 /store
COPY docker/cluster/haproxy.cfg /etc/haproxy/haproxy.cfg
VOLUME /store
USER 10001:10001
