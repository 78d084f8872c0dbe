"""What changed of items since a version was trained: stock, prices, withdrawals, new ones; and answers that know it."""
