"""A year of departures from New York, as one landing file a day."""

from examples.flights.days import COLUMNS, day_files, write_days

__all__ = ["COLUMNS", "day_files", "write_days"]
