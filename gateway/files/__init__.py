"""What is written of events and answers: records, and the hours' files that become of them."""
