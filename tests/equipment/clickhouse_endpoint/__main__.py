"""Runs the endpoint until SIGTERM or SIGINT. Port 0 takes a free one; the line `ready` tells which."""

import argparse
import os
import signal
import threading

from tests.equipment.clickhouse_endpoint.engine import Engine
from tests.equipment.clickhouse_endpoint.http import HttpServer
from tests.equipment.clickhouse_endpoint.native import NativeServer, User


def main() -> None:
    parser = argparse.ArgumentParser(prog="clickhouse_endpoint")
    parser.add_argument("folder")
    parser.add_argument("--tcp", type=int, default=9000)
    parser.add_argument("--http", type=int, default=8123)
    parser.add_argument("--password", default="")
    options = parser.parse_args()
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    engine = Engine(options.folder)
    users = {"default": User(options.password, readonly=False), "bi": User("bi", readonly=True)}
    native = NativeServer(engine, users, options.tcp)
    http = HttpServer(engine, users, options.http)
    print(f"ready tcp={native.port} http={http.server_port} version={engine.version}", flush=True)
    while not stop.wait(0.2):  # a signal that one of the engine's threads gets does not wake this one
        pass
    native.close()
    http.shutdown()
    engine.close()
    os._exit(0)  # threads of clients that still wait would hold the process


if __name__ == "__main__":
    main()
