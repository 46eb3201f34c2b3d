"""Every port in memory: for tests and simulation, with a clock that only moves when told."""
