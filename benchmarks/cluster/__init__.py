"""A cluster on loopback that Beam works on: its job server, its workers, and a Flink or a Spark of several processes."""
