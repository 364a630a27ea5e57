"""``python -m merlib`` is the command ``merlib``."""

import sys

from .cli import main

sys.exit(main())
