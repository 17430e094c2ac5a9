"""Runs a supervisor over two sleeping children. Arguments: run folder, grace seconds, file with the children's code."""

import sys
from pathlib import Path

from portal.base.logging import build_logging
from portal.management.supervisor import AlreadyRunning, Child, Supervisor

if __name__ == "__main__":
    import logging.config

    logging.config.dictConfig(build_logging("INFO", "json"))
    run_dir, grace, code = sys.argv[1:]
    children = [Child(name, [sys.executable, "-c", Path(code).read_text()]) for name in ("one", "two")]
    try:
        Supervisor(children=children, run_dir=Path(run_dir), cwd=Path.cwd(), grace_seconds=float(grace)).run()
    except AlreadyRunning as error:
        sys.exit(str(error))
