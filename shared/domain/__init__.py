"""Pure decisions: facts, policy and the time go in, a value with a reason comes out."""
