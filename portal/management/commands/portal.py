"""`manage.py portal`: web, worker and beat in one, supervised."""

from __future__ import annotations

import os
import shlex
import sys
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from portal.base.health import check_database, check_migrations
from portal.management.supervisor import AlreadyRunning, Child, Supervisor

WEB_WORKERS, WEB_THREADS = 2, 8


def build_web(host: str, port: int) -> Child:
    bind = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    argv = [sys.executable, "-m", "gunicorn", "portal.wsgi:application", "--bind", bind, "--worker-class", "gthread"]
    argv += ["--workers", str(WEB_WORKERS), "--threads", str(WEB_THREADS), "--timeout", "60", "--graceful-timeout", "8"]
    argv += ["--log-level", "warning", "--no-control-socket"]
    return Child("web", argv)


def build_worker() -> Child:
    argv = [sys.executable, "-m", "celery", "--quiet", "-A", "portal.celery", "worker", "--pool", "threads"]
    argv += ["--concurrency", str(settings.CELERY_WORKER_CONCURRENCY), "--loglevel", settings.LOG_LEVEL]
    return Child("worker", [*argv, "--without-mingle", "--without-gossip", "--without-heartbeat"])


def build_beat() -> Child:
    # No pid file: ours is in the run folder, and a stale one must not stop the next start.
    argv = [sys.executable, "-m", "celery", "--quiet", "-A", "portal.celery", "beat", "--pidfile", ""]
    return Child("beat", [*argv, "--loglevel", settings.LOG_LEVEL])


def parse_extra(text: str) -> Child:
    """`name=command with arguments` as a child; `python` means this one."""
    name, equals, command = text.partition("=")
    argv = shlex.split(command)
    if not (equals and name.isidentifier() and argv) or name in {"web", "worker", "beat", "portal"}:
        raise CommandError(f"--with {text!r}: give a name of its own and a command, as in 'shop=python manage.py …'.")
    return Child(name, [sys.executable, *argv[1:]] if argv[0] == "python" else argv)


class Command(BaseCommand):
    help = "Run web, worker and beat; restart what dies; stop all on Ctrl-C."
    requires_system_checks = "__all__"

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--host", default="127.0.0.1")
        parser.add_argument("--port", type=int, default=8000)
        parser.add_argument("--no-worker", action="store_true", help="web only")
        parser.add_argument("--with", dest="extra", action="append", default=[], metavar="NAME=COMMAND")

    def handle(self, *_args: Any, **options: Any) -> None:
        if message := check_database() or check_migrations():
            raise CommandError(message)
        host, port = options["host"], options["port"]
        children = [build_web(host, port)]
        if not options["no_worker"]:
            children += [build_worker(), build_beat()]
        children += [parse_extra(text) for text in options["extra"]]
        if len({child.name for child in children}) != len(children):
            raise CommandError("Each --with needs a name of its own.")
        shown = "127.0.0.1" if host in {"0.0.0.0", "::"} else host  # noqa: S104  only compared
        supervisor = Supervisor(
            children=children,
            run_dir=settings.VAR_DIR / "run",
            cwd=settings.BASE_DIR,
            env={**os.environ, "DJANGO_SETTINGS_MODULE": "portal.settings"},
            address=(shown, port),
            announce=lambda: self._announce(shown, port),
        )
        try:
            supervisor.run()
        except AlreadyRunning as error:
            raise CommandError(str(error)) from error

    def _announce(self, host: str, port: int) -> None:
        host = f"[{host}]" if ":" in host else host
        self.stdout.write(f"The portal answers at http://{host}:{port}/ (Ctrl-C stops it).")
        self.stdout.flush()
