"""Vega, Vega-Lite and Vega-Embed as one script, as an installed package brings them, for pages without network."""

import vl_convert


def script(vega_lite: str) -> str:
    """The script for that version of Vega-Lite, which defines vegaEmbed; nothing in it looks like its end in HTML."""
    bundle: str = vl_convert.javascript_bundle(vl_version=vega_lite)  # type: ignore[call-arg]
    return bundle.replace("</script", "<\\/script")
