# Two images over one environment: `airflow` (what a production Airflow needs) and `local-snowflake` (the engine, with its own needs on top).
ARG BASE_IMAGE=python:3.11-slim-bookworm

FROM ${BASE_IMAGE} AS installer
ARG UV_VERSION=0.13.9
RUN pip install --no-cache-dir --disable-pip-version-check "uv==${UV_VERSION}" && ln -sf "$(command -v uv)" /uv

FROM ${BASE_IMAGE} AS runtime
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONPATH=/opt/snowloop/plugins:/opt/snowloop \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    UV_COMPILE_BYTECODE=1 \
    UV_LINK_MODE=copy
RUN useradd --uid 50000 --gid 0 --create-home --home-dir /home/snowloop snowloop \
    && install -d -o 50000 -g 0 -m 0770 /secrets /data /opt/airflow /opt/airflow/logs \
    && python3 -m venv --without-pip /opt/venv
RUN --mount=type=bind,from=installer,source=/uv,target=/usr/bin/uv \
    --mount=type=bind,source=requirements.txt,target=/tmp/requirements.txt \
    --mount=type=cache,target=/root/.cache/uv \
    uv pip install --quiet --require-hashes --python /opt/venv/bin/python --requirement /tmp/requirements.txt
WORKDIR /opt/snowloop

FROM runtime AS airflow
ENV AIRFLOW_HOME=/opt/airflow \
    AIRFLOW__CORE__DAGS_FOLDER=/opt/snowloop/dags \
    AIRFLOW__CORE__PLUGINS_FOLDER=/opt/snowloop/plugins \
    AIRFLOW__CORE__LOAD_EXAMPLES=False
COPY --link docker docker
COPY --link include include
COPY --link plugins plugins
COPY --link dags dags
# The commit that is recorded with each model version.
ARG GIT_COMMIT=unknown
ENV SNOWLOOP_GIT_COMMIT=${GIT_COMMIT}
USER 50000
EXPOSE 8080
ENTRYPOINT ["/opt/snowloop/docker/airflow-entrypoint.sh"]
CMD ["airflow", "version"]

FROM runtime AS local-snowflake
RUN --mount=type=bind,from=installer,source=/uv,target=/usr/bin/uv \
    --mount=type=bind,source=requirements-local.txt,target=/tmp/requirements.txt \
    --mount=type=cache,target=/root/.cache/uv \
    uv pip install --quiet --require-hashes --python /opt/venv/bin/python --requirement /tmp/requirements.txt
COPY --link docker docker
COPY --link packages/local-snowflake/src packages/local-snowflake/src
ENV PYTHONPATH=/opt/snowloop/packages/local-snowflake/src
USER 50000
EXPOSE 8443
CMD ["python", "-m", "local_snowflake", "serve", "--data-dir", "/data", "--host", "0.0.0.0", "--port", "8443"]
