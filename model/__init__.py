"""The two-tower retrieval model, the BERT ranking head, and the model that is served."""
