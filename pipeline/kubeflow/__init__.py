"""The pipeline on Kubeflow: its specification, and what a step's container runs."""
