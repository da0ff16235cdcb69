"""`python -m bench [NAME …] [--no-peers]`: our figures beside the peers' and the floor, on this machine, in one run."""

from __future__ import annotations

import argparse
from functools import partial

from bench import (
    backup,
    busy,
    coverage,
    editors,
    exports,
    features,
    fuzz,
    health,
    imports,
    inventory,
    login,
    network,
    portal,
    reach,
    renderers,
    scenario,
    scope,
    search,
    silence,
    soak,
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
    "backup": backup.run,
    "health": health.run,
}
#: Run only by name.
BY_NAME = {
    "soak": soak.run,
    "busy": busy.run,
    "fuzz": fuzz.run,
    "login": login.run,
    "editors": editors.run,
    "renderers": renderers.run,
    "silence": silence.run,
}


def main() -> None:
    """Run the named benchmarks, all without a name."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument(
        "names",
        nargs="*",
        metavar="NAME",
        help=f"one of: {', '.join([*BENCHES, *BY_NAME])} (default: all but {', '.join(BY_NAME)})",
    )
    parser.add_argument("--no-peers", action="store_true", help="leave out peers, which are slow (minutes)")
    parser.add_argument(
        "--cases", type=int, default=fuzz.CASES, help="fuzz: requests in all (default: %(default)s)"
    )
    parser.add_argument("--only", default="", help="fuzz: operations whose `METHOD path` holds this alone")
    parser.add_argument("--seed", type=int, default=fuzz.SEED, help="fuzz: what chance begins with")
    parser.add_argument(
        "--minutes", type=float, default=soak.MINUTES, help="soak: how long (default: %(default)s)"
    )
    parser.add_argument(
        "--clients", type=int, default=soak.CLIENTS, help="soak: how many (default: %(default)s)"
    )
    options = parser.parse_args()
    fuzzing = partial(fuzz.run, cases=options.cases, only=options.only, seed=options.seed)
    soaking = partial(soak.run, clients=options.clients, minutes=options.minutes)
    known = BENCHES | BY_NAME | {"fuzz": fuzzing, "soak": soaking}
    unknown = set(options.names) - set(known)
    if unknown:
        parser.error(f"There is no benchmark named '{min(unknown)}'. Valid names: {', '.join(known)}.")
    for name in options.names or BENCHES:
        known[name](peers=not options.no_peers)


if __name__ == "__main__":
    main()
