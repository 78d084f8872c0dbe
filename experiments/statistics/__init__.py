"""What an experiment found, and how sure that is.

An arm is a `Sample`, what is compared a `Metric` over its columns, and what comes out an `Effect` whose `Estimate` has
the interval and the p-value. The textbook's distributions are scipy's.
"""
