"""`python -m bench [NAME …] [--no-peers]`: our figures beside the peers' and the floor, on this machine, in one run."""

from __future__ import annotations

import argparse

from bench import (
    coverage,
    editors,
    exports,
    features,
    fuzz,
    health,
    imports,
    inventory,
    network,
    portal,
    reach,
    renderers,
    scenario,
    scope,
    search,
    straight,
    tiles,
)

BENCHES = {
    "reach": reach.run,
    "network": network.run,
    "straight": straight.run,
    "coverage": coverage.run,
    "scenario": scenario.run,
    "inventory": inventory.run,
    "imports": imports.run,
    "exports": exports.run,
    "search": search.run,
    "features": features.run,
    "tiles": tiles.run,
    "portal": portal.run,
    "scope": scope.run,
    "health": health.run,
}
#: Run only by name.
BY_NAME = {"soak": health.soak, "fuzz": fuzz.run, "editors": editors.run, "renderers": renderers.run}


def main() -> None:
    """Run the named benchmarks, all without a name."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument(
        "names",
        nargs="*",
        metavar="NAME",
        help=f"one of: {', '.join([*BENCHES, *BY_NAME])} (default: all but soak, fuzz, editors and renderers)",
    )
    parser.add_argument("--no-peers", action="store_true", help="leave out peers, which are slow (minutes)")
    options = parser.parse_args()
    known = BENCHES | BY_NAME
    unknown = set(options.names) - set(known)
    if unknown:
        parser.error(f"There is no benchmark named '{min(unknown)}'. Valid names: {', '.join(known)}.")
    for name in options.names or BENCHES:
        known[name](peers=not options.no_peers)


if __name__ == "__main__":
    main()
