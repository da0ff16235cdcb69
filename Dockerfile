# The program alone; its database is another container (compose.yaml). Map scripts are fetched while building.
FROM python:3.11-slim-bookworm AS build
WORKDIR /src
COPY requirements-uv.txt requirements.txt ./
RUN python -m venv /opt/chengtu \
 && /opt/chengtu/bin/pip install --quiet --require-hashes -r requirements-uv.txt \
 && VIRTUAL_ENV=/opt/chengtu /opt/chengtu/bin/uv pip install --no-cache --require-hashes -r requirements.txt
COPY pyproject.toml README.md LICENSE ./
COPY app app
COPY geodata geodata
COPY migrations migrations
RUN /opt/chengtu/bin/python -m app.web.assets \
 && VIRTUAL_ENV=/opt/chengtu /opt/chengtu/bin/uv pip install --no-cache --no-deps --no-index --no-build-isolation . \
 && /opt/chengtu/bin/pip uninstall --quiet --yes uv pip

FROM python:3.11-slim-bookworm
LABEL org.opencontainers.image.title="Chengtu" \
      org.opencontainers.image.description="One map of everything a city owns outdoors, and of who can reach it" \
      org.opencontainers.image.licenses="Apache-2.0"
RUN useradd --system --uid 10001 --create-home --home-dir /var/lib/chengtu chengtu
COPY --from=build /opt/chengtu /opt/chengtu
ENV PATH=/opt/chengtu/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    CHENGTU_HOME=/var/lib/chengtu/data \
    CHENGTU_HOST=0.0.0.0
USER chengtu
WORKDIR /var/lib/chengtu
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=6 \
  CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/health', timeout=4)"]
CMD ["chengtu", "run"]
