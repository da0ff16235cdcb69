"""Run by pandana's own Python: builds its network from our arrays, asks for the nearest facility, prints JSON.

Never imported by the product: pandana is AGPL.
"""

from __future__ import annotations

import json
import sys
import time

import numpy as np
import pandana
import pandas as pd


def main() -> None:
    """Time build and query on the arrays of the file named on the command line."""
    arrays = np.load(sys.argv[1])
    xy, doors, limit = arrays["xy"], arrays["doors"], float(arrays["limit"])
    started = time.perf_counter()
    network = pandana.Network(
        pd.Series(xy[:, 0]),
        pd.Series(xy[:, 1]),
        pd.Series(arrays["start"]),
        pd.Series(arrays["end"]),
        pd.DataFrame({"metres": arrays["metres"]}),
        twoway=True,
    )
    built = time.perf_counter()
    network.set_pois("doors", limit, 1, pd.Series(xy[doors, 0]), pd.Series(xy[doors, 1]))
    metres = network.nearest_pois(limit, "doors", num_pois=1)[1]
    asked = time.perf_counter()
    print(
        json.dumps(
            {
                "version": pandana.__version__,
                "build_s": built - started,
                "query_s": asked - built,
                "reached": int((metres < limit).sum()),
            }
        )
    )


if __name__ == "__main__":
    main()
