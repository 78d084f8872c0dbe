"""What every training shares: its workers, its precision, its optimizer for embeddings, its curves."""
