"""The gate between checking and using the data: stops a run whose data holds an anomaly of severity ERROR."""
