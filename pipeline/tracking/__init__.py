"""A run as MLflow or Weights & Biases keep it: its settings, curves, figures and reports, beside TensorBoard's logs."""
