"""Beside a running server: the embedded cluster that died is started again; one that was stopped is left alone."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from app.database.cluster import ensure_started, has_died
from app.errors import ChengtuError
from app.garbage import leave_pages_small
from app.settings import Settings

log = logging.getLogger("chengtu.database")

#: How often it is looked whether the cluster lives, and the longest pause between two tries to start it, seconds.
LOOK_S = 0.5
LONGEST_S = 10.0


def keep_up(settings: Settings, on_start: Callable[[], object]) -> None:
    """Look after the cluster until the process is ended; nothing that fails ends it.

    `on_start` is called each time that a cluster which had died runs again.
    """
    pause_s, told = LOOK_S, ""
    while True:
        time.sleep(pause_s)
        try:
            if not has_died(settings):
                pause_s = LOOK_S
                continue
            log.warning("The database died and is started again.")
            # Its processes inherit it, and the first one was started by a process that had not asked for it.
            leave_pages_small(small=False)
            try:
                ensure_started(settings)
            finally:
                leave_pages_small()
        except (ChengtuError, OSError) as error:
            said = str(error)
            if said != told:
                log.warning("The database cannot be started: %s It is tried again.", said)
            pause_s, told = min(pause_s * 2, LONGEST_S), said
        else:
            log.warning("The database is back.")
            on_start()
            pause_s, told = LOOK_S, ""
