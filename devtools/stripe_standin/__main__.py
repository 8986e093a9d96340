"""`python -m devtools.stripe_standin`: start a stand-in on loopback.

It prints `stripe-standin listening on http://127.0.0.1:PORT` when it takes calls, and ends on
SIGTERM or Ctrl-C once the requests under way are answered.
"""

import argparse
import signal
import sys
import threading
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from werkzeug.serving import WSGIRequestHandler, make_server

from devtools.stripe_standin.app import StandInApp
from devtools.stripe_standin.config import Config, Endpoint
from devtools.stripe_standin.faults import Controls
from devtools.stripe_standin.scope import Scope
from devtools.stripe_standin.store import Store
from devtools.stripe_standin.webhooks import Worker

HOST = "127.0.0.1"


class _Handler(WSGIRequestHandler):
    """Answers without Nagle's delay, and logs no requests."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log(self, type: str, message: str, *args: Any) -> None:  # noqa: A002 (the base's name)
        """Write out faults alone; requests are counted by the controls."""
        if type != "info":
            super().log(type, message, *args)


def parse(arguments: Sequence[str]) -> tuple[Config, int]:
    """The configuration and the port that the command line asks for; exits on a bad one."""
    parser = argparse.ArgumentParser(prog="stripe-standin", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--state", help="SQLite file that keeps everything; memory when left out")
    parser.add_argument("--secret-key", required=True)
    parser.add_argument("--publishable-key", required=True)
    parser.add_argument(
        "--webhook-url", action="append", default=[], help="where events go; may be repeated"
    )
    parser.add_argument(
        "--webhook-secret",
        action="append",
        default=[],
        help="one for all URLs, or one each; commas separate secrets that sign together",
    )
    parser.add_argument("--instance", default="", help="echoed by /_control/health")
    parser.add_argument("--retry-delay", type=float, default=1.0, metavar="SECONDS")
    parser.add_argument("--webhook-timeout", type=float, default=10.0, metavar="SECONDS")
    parser.add_argument(
        "--async-delay",
        type=float,
        default=2.0,
        metavar="SECONDS",
        help="until debits settle, disputes open and refunds arrive",
    )
    options = parser.parse_args(arguments)
    secrets = options.webhook_secret
    if len(secrets) == 1:
        secrets = secrets * len(options.webhook_url)
    if len(secrets) < len(options.webhook_url):
        parser.error("give one --webhook-secret for all --webhook-url, or one for each")
    endpoints = tuple(
        Endpoint(url, tuple(secret.split(",")))
        for url, secret in zip(options.webhook_url, secrets, strict=False)
    )
    try:
        config = Config(
            secret_key=options.secret_key,
            publishable_key=options.publishable_key,
            endpoints=endpoints,
            state=options.state,
            instance=options.instance,
            retry_delay=options.retry_delay,
            webhook_timeout=options.webhook_timeout,
            async_delay=options.async_delay,
        )
    except ValueError as error:
        parser.error(str(error))
    return config, options.port


def serve(config: Config, port: int) -> None:
    """Serve until SIGTERM or SIGINT."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    server = make_server(HOST, port, lambda *_: [], threaded=True, request_handler=_Handler)
    config = replace(config, base_url=f"http://{HOST}:{server.port}")
    store = Store(config.state)
    controls = Controls(config)
    worker = Worker(lambda: Scope(store, controls.config, mode=controls.mode), controls)
    server.app = StandInApp(store, controls, worker)
    worker.start()
    accepting = threading.Thread(
        target=server.serve_forever, kwargs={"poll_interval": 0.1}, name="http", daemon=True
    )
    accepting.start()
    sys.stdout.write(f"stripe-standin listening on {config.base_url}\n")
    sys.stdout.flush()
    stop.wait()
    server.shutdown()
    worker.stop()
    store.close()


if __name__ == "__main__":
    serve(*parse(sys.argv[1:]))
