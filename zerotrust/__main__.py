"""`python -m zerotrust`: the command `zerotrust`, for where the script is not on the path."""

import sys

from zerotrust.cli import main

sys.exit(main())
