"""What a person runs besides the pipelines: `python -m stages.commands.NAME`."""

import sys
from importlib.util import find_spec

if find_spec("pandas") is None:
    sys.exit("error: the packages of this project are not here; source .venv/bin/activate, which `make setup` makes")
