"""The command line: a thin skin over the same calls Python makes."""

import sys

from mipp_core.command_line import main

sys.exit(main())
