"""`python -m zerotrust.cli`, for where the script is not on the path."""

import sys

from zerotrust.cli import main

sys.exit(main())
