"""Another shop, whose models a run may begin with."""
