# The image that every step of the pipeline runs in on Kubeflow: the modern stack's locked packages and aisle's wheel.
#   make image        (or: docker build --tag IMAGE .)
# Any base with glibc 2.38 or newer and CPython 3.12 or 3.13 with its venv module will do.
ARG BASE=python:3.13-slim-trixie
FROM ${BASE} AS build
WORKDIR /src
COPY requirements-modern.lock ./
RUN python3 -m venv /opt/aisle \
    && /opt/aisle/bin/pip install --no-cache-dir --no-deps --require-hashes -r requirements-modern.lock
COPY . .
RUN /opt/aisle/bin/python -m build --wheel --no-isolation --outdir /tmp/dist . \
    && /opt/aisle/bin/pip install --no-cache-dir --no-deps --no-index /tmp/dist/aisle-*.whl \
    && /opt/aisle/bin/python -c 'from aisle.schema.bert import weights; weights.verify(weights.bert_folder())'

FROM ${BASE}
RUN useradd --create-home --uid 1000 aisle
COPY --from=build /opt/aisle /opt/aisle
ENV PATH=/opt/aisle/bin:$PATH TF_USE_LEGACY_KERAS=1 PYTHONUNBUFFERED=1
# By number: Kubernetes can't tell by a name that it isn't root.
USER 1000
WORKDIR /home/aisle
CMD ["aisle", "doctor"]
