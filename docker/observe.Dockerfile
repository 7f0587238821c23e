# Prometheus as Debian packages it, with the scrape and the rules of docker/observe.
# Without RUN --mount and heredocs, so that the classic builder takes it too.

# Of Debian. Python is there for the health check alone.
ARG BASE_IMAGE=python:3.14-slim

FROM ${BASE_IMAGE}
RUN apt-get update \
    && apt-get install --yes --no-install-recommends prometheus \
    && rm -rf /var/lib/apt/lists/* /var/cache/apt/* /var/cache/debconf/* /var/log/apt /var/log/dpkg.log
COPY docker/observe /etc/fanfare
RUN install -d -m 700 -o 10001 -g 10001 /prometheus
VOLUME /prometheus
USER 10001:10001
EXPOSE 9090
HEALTHCHECK --interval=5s --timeout=3s --retries=5 \
    CMD ["python3", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:9090/-/ready', timeout=2)"]
ENTRYPOINT ["prometheus", "--config.file=/etc/fanfare/prometheus.yml", "--storage.tsdb.path=/prometheus"]
CMD ["--storage.tsdb.retention.time=15d"]
