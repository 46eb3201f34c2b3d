"""A second table, for a regression: the diabetes data that scikit-learn brings along."""

from examples.diabetes.days import COLUMNS, day_files, write_days

__all__ = ["COLUMNS", "day_files", "write_days"]
