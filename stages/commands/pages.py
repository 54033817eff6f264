"""Let `dvc plots` make pages that open without network: `python -m stages.commands.pages`, which `make` has run.

Vega, Vega-Lite and Vega-Embed, as an installed package brings them, go into a page template under .dvc/tmp, and this
checkout's own .dvc/config.local names it; git knows neither.
"""

import subprocess
import sys
from pathlib import Path

from stages.base import files
from stages.base.console import console, run
from stages.commands.repair import refuse_nobody
from stages.figures import vega

VEGA_LITE = "5.20"  # the schema that the templates in .dvc/plots are written in is version 5's
PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>Experiments compared</title>
{refresh_tag}
<script>
JAVASCRIPT
</script>
<style>
  body { font: 14px/1.4 system-ui, sans-serif; margin: 1rem; }
  table { border-spacing: 15px; }
</style>
</head>
<body>
{plot_divs}
</body>
</html>
"""


def main() -> None:
    refuse_nobody()
    template = Path(".dvc/tmp/page.html")
    files.write(template, PAGE.replace("JAVASCRIPT", vega.script(VEGA_LITE)).encode())
    command = [sys.executable, "-m", "dvc", "config", "--local", "plots.html_template", "tmp/page.html"]
    subprocess.run(command, check=True)
    console.print(f"pages of dvc plots need no network here ({template}, {template.stat().st_size / 1e6:.1f} MB)")


if __name__ == "__main__":
    run(main)
