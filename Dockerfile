# syntax=docker/dockerfile:1
# The program alone; its database is another container (compose.yaml). Map scripts are fetched while building.
# Both stages are the same release: what is built in the first runs in the second.
ARG PYTHON_IMAGE=python:3.11.14-slim-bookworm

FROM ${PYTHON_IMAGE} AS build
SHELL ["/bin/bash", "-o", "pipefail", "-c"]
WORKDIR /src
# pg_dump and pg_restore, for backups; the database itself is elsewhere.
RUN apt-get update -q \
 && DEBIAN_FRONTEND=noninteractive apt-get install -yq --no-install-recommends postgresql-client-15 \
 && rm -rf /var/lib/apt/lists/*
COPY requirements-uv.txt requirements.txt ./
RUN python3 -m venv /opt/chengtu \
 && /opt/chengtu/bin/pip install --quiet --no-cache-dir --require-hashes -r requirements-uv.txt \
 && VIRTUAL_ENV=/opt/chengtu /opt/chengtu/bin/uv pip install --no-cache --require-hashes -r requirements.txt
COPY pyproject.toml README.md LICENSE ./
COPY app app
COPY geodata geodata
COPY migrations migrations
# The file system is read-only later: what Python compiles is compiled here.
RUN /opt/chengtu/bin/python -m app.web.assets \
 && VIRTUAL_ENV=/opt/chengtu /opt/chengtu/bin/uv pip install --no-cache --no-deps --no-index --no-build-isolation . \
 && /opt/chengtu/bin/pip uninstall --quiet --yes uv \
 && /opt/chengtu/bin/python -m pip uninstall --quiet --yes pip setuptools \
 && find /opt/chengtu -depth \( -name tests -o -name '*.pyi' -o -name __pycache__ \) -path '*/site-packages/*' -exec rm -rf {} + \
 && /opt/chengtu/bin/python -m compileall -q -j 0 /opt/chengtu/lib

FROM ${PYTHON_IMAGE}
LABEL org.opencontainers.image.title="Chengtu" \
      org.opencontainers.image.description="One map of everything a city owns outdoors, and of who can reach it" \
      org.opencontainers.image.licenses="Apache-2.0"
RUN apt-get update -q \
 && DEBIAN_FRONTEND=noninteractive apt-get install -yq --no-install-recommends libpq5 \
 && rm -rf /var/lib/apt/lists/* \
 && useradd --system --uid 10001 --user-group --home-dir /var/lib/chengtu --shell /usr/sbin/nologin chengtu \
 && install -d -o chengtu -g chengtu -m 750 /var/lib/chengtu /var/lib/chengtu/data /var/lib/chengtu/tmp \
      /var/lib/chengtu-secrets /backups
COPY --from=build /usr/lib/postgresql/15/bin/pg_dump /usr/lib/postgresql/15/bin/pg_restore /usr/lib/postgresql/15/bin/
COPY --from=build /opt/chengtu /opt/chengtu
# Files that are read, and what is unpacked from them, go to the disk of the data, not to the memory of /tmp.
ENV PATH=/opt/chengtu/bin:/usr/lib/postgresql/15/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    TMPDIR=/var/lib/chengtu/tmp \
    CHENGTU_HOME=/var/lib/chengtu/data \
    CHENGTU_HOST=0.0.0.0
# By number: an orchestrator then sees that it is not root.
USER 10001:10001
WORKDIR /var/lib/chengtu
VOLUME ["/var/lib/chengtu"]
EXPOSE 8000
STOPSIGNAL SIGTERM
# Whether the process lives (/health): a database that is away is no reason to start it anew. A proxy asks /ready.
HEALTHCHECK --interval=10s --timeout=5s --start-period=120s --retries=6 \
  CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/health', timeout=4)"]
CMD ["chengtu", "serve"]
