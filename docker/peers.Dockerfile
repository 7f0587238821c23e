# The peers: ngIRCd, InspIRCd and Ergo as Debian packages them, one image for all; the argument says which one starts.
# Without RUN --mount and heredocs, so that the classic builder takes it too.

# Of Debian trixie, which has all three. Python is for the health check.
ARG BASE_IMAGE=python:3.14-slim

FROM ${BASE_IMAGE}
RUN apt-get update \
    && apt-get install --yes --no-install-recommends ngircd inspircd ergochat \
    && rm -rf /var/lib/apt/lists/* /var/cache/apt/* /var/cache/debconf/* /var/log/apt /var/log/dpkg.log
WORKDIR /fanfare
COPY chat chat
COPY docker/peers peers
ENV PYTHONPATH=/fanfare PYTHONDONTWRITEBYTECODE=1
USER 10001:10001
EXPOSE 6667
# Asks in IRC and wants an answer.
HEALTHCHECK --interval=5s --timeout=10s --retries=3 CMD ["python3", "-m", "chat.cli", "check", "irc://127.0.0.1:6667"]
ENTRYPOINT ["peers/start.sh"]
