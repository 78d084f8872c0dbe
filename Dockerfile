# The image that every step of the pipeline runs in on Kubeflow: the locked packages and aisle's wheel.
#   make image        (or: docker build --tag IMAGE .)
FROM python:3.10-slim-bookworm AS build
WORKDIR /src
COPY requirements.lock ./
RUN python -m venv /opt/aisle \
    && /opt/aisle/bin/pip install --no-cache-dir --no-deps --require-hashes -r requirements.lock
COPY . .
RUN /opt/aisle/bin/python -m build --wheel --no-isolation --outdir /tmp/dist . \
    && /opt/aisle/bin/pip install --no-cache-dir --no-deps --no-index /tmp/dist/aisle-*.whl \
    && /opt/aisle/bin/python -c 'from aisle.schema import weights; weights.verify(weights.bert_folder())'

FROM python:3.10-slim-bookworm
RUN useradd --create-home --uid 1000 aisle
COPY --from=build /opt/aisle /opt/aisle
ENV PATH=/opt/aisle/bin:$PATH TF_USE_LEGACY_KERAS=1 PYTHONUNBUFFERED=1
# By number: Kubernetes can't tell by a name that it isn't root.
USER 1000
WORKDIR /home/aisle
CMD ["aisle", "doctor"]
