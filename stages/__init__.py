import os

os.environ["MPLBACKEND"] = "Agg"  # before anything imports matplotlib, which stops at a backend that it does not find
