"""A/B tests in the gateway: who asks is given an arm, and is asked and answered as it says."""
