"""`python -m bench [NAME …] [--no-peers]`: our figures beside the peers' and the floor, on this machine, in one run."""

from __future__ import annotations

import argparse

from bench import reach, straight

BENCHES = {"reach": reach.run, "straight": straight.run}


def main() -> None:
    """Run the named benchmarks, all without a name."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help=f"one of: {', '.join(BENCHES)} (default: all)"
    )
    parser.add_argument("--no-peers", action="store_true", help="leave out peers, which are slow (minutes)")
    options = parser.parse_args()
    unknown = set(options.names) - set(BENCHES)
    if unknown:
        parser.error(f"There is no benchmark named '{min(unknown)}'. Valid names: {', '.join(BENCHES)}.")
    for name in options.names or BENCHES:
        BENCHES[name](peers=not options.no_peers)


if __name__ == "__main__":
    main()
