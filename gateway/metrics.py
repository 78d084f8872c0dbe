"""What the gateway tells Prometheus of itself."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

_SECONDS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)

_SECONDS_OF_ADS = (
    *(0.0005, 0.00075, 0.001, 0.00125, 0.0015, 0.00175, 0.002, 0.0025, 0.003, 0.004, 0.005, 0.0075),
    *(0.01, 0.015, 0.02, 0.03, 0.05, 0.1, 0.25),
)


class Metrics:
    """`aisle_gateway_requests_total` by route and code, `aisle_gateway_request_seconds` by route,
    `aisle_gateway_events_total` by kind, `aisle_gateway_unwritten_answers_total` (of which the disk took no record),
    `aisle_gateway_ads_seconds` (that selling places adds to an answer), `aisle_gateway_ads_shows` and
    `aisle_gateway_ads_charged_micros` (by this process), `aisle_gateway_waiting_events` (that the store hasn't got), `aisle_gateway_missed_events` (that it never will) and, of
    `aisle listen`, `aisle_gateway_refused_messages_total`.
    """

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._requests = Counter(
            "aisle_gateway_requests", "Requests.", ["route", "code"], registry=self.registry
        )
        self._seconds = Histogram(
            "aisle_gateway_request_seconds", "Seconds.", ["route"], buckets=_SECONDS, registry=self.registry
        )
        self.events = Counter("aisle_gateway_events", "Events recorded.", ["kind"], registry=self.registry)
        self.unwritten = Counter(
            "aisle_gateway_unwritten_answers", "Answers that are not in the log.", registry=self.registry
        )
        self.refused = Counter(
            "aisle_gateway_refused_messages", "Messages that hold no event.", registry=self.registry
        )
        self.waiting = Gauge(
            "aisle_gateway_waiting_events", "Events the store waits for.", registry=self.registry
        )
        self.missed = Gauge("aisle_gateway_missed_events", "Events it never gets.", registry=self.registry)

        self.ads_seconds = Histogram(
            "aisle_gateway_ads_seconds", "Seconds.", buckets=_SECONDS_OF_ADS, registry=self.registry
        )
        self.ads_shows = Gauge("aisle_gateway_ads_shows", "Places sold.", registry=self.registry)
        self.ads_charged = Gauge(
            "aisle_gateway_ads_charged_micros", "Charged for clicks and purchases.", registry=self.registry
        )

    def observe(self, route: str, status: int | str, seconds: float) -> None:
        """Counts an answer by its HTTP status or gRPC code; what is no route of ours is "other"."""
        self._requests.labels(route or "other", str(status)).inc()
        self._seconds.labels(route or "other").observe(seconds)

    def events_by_kind(self) -> dict[str, int]:
        """How many events of each kind were recorded."""
        samples = [sample for metric in self.events.collect() for sample in metric.samples]
        return {one.labels["kind"]: int(one.value) for one in samples if one.name.endswith("_total")}

    def text(self) -> bytes:
        """All of it, as Prometheus reads it."""
        return generate_latest(self.registry)
