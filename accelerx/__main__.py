"""``python -m accelerx``: the command line."""

import sys

from accelerx.cli.entry import main

if __name__ == "__main__":
    sys.exit(main())
