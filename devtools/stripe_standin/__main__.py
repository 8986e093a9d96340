"""`python -m devtools.stripe_standin`: start a stand-in on loopback.

It prints `stripe-standin listening on http://127.0.0.1:PORT` when it takes calls, and ends on
SIGTERM or Ctrl-C once the requests under way are answered.
"""

import argparse
import asyncio
import signal
import socket
import sys
from collections.abc import Sequence
from dataclasses import replace

from devtools.stripe_standin.app import StandInApp
from devtools.stripe_standin.config import Config, Endpoint
from devtools.stripe_standin.faults import Controls
from devtools.stripe_standin.scope import Scope
from devtools.stripe_standin.server import Connection
from devtools.stripe_standin.store import Store
from devtools.stripe_standin.webhooks import Worker

HOST = "127.0.0.1"
# Connections that wait to be accepted.
_WAITING = 1024


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


async def serve(config: Config, port: int) -> None:
    """Serve until SIGTERM or SIGINT."""
    loop, stop = asyncio.get_running_loop(), asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    listener = socket.create_server((HOST, port))
    config = replace(config, base_url=f"http://{HOST}:{listener.getsockname()[1]}")
    store = Store(config.state)
    controls = Controls(config)
    worker = Worker(lambda: Scope(store, controls.config, mode=controls.mode), controls)
    app = StandInApp(store, controls, worker)
    worker.start()
    server = await loop.create_server(
        lambda: Connection(app.answer), sock=listener, backlog=_WAITING
    )
    sys.stdout.write(f"stripe-standin listening on {config.base_url}\n")
    sys.stdout.flush()
    await stop.wait()
    server.close()
    await worker.stop()
    store.close()


if __name__ == "__main__":
    asyncio.run(serve(*parse(sys.argv[1:])))
