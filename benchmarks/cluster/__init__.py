"""A cluster on loopback that Beam works on: its job server, its workers, and a Flink of several processes."""
