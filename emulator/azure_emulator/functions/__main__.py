"""`python -m azure_emulator.functions`: the Functions host alone."""

import sys

from azure_emulator.functions.cli import main

sys.exit(main())
