"""The commands on inventory: `aisle forecast` and `aisle replenish`."""
