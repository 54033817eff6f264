"""How much memory training takes, within about a quarter of what was measured (tests/test_memory.py)."""

BASE = 600 << 20  # bytes of a process with torch loaded
COPIES = 8  # of the weights: at the start, in training, at the end, of the penalty's step, and in the file's making
SCORED = 1000  # images at once


def needed(inputs: int, width: int, runs: int, batch_size: int) -> int:
    """Bytes for `runs` networks of that width side by side on images of `inputs` pixels."""
    weights = runs * width * (inputs + 12)
    batch = runs * batch_size * (1.3 * inputs + 3 * width)
    return BASE + int(4 * (COPIES * weights + batch + runs * width * SCORED))
