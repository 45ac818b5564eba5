"""A real Kafka broker (KRaft, one node) in a folder of its own, for tests.

    python -m tests.equipment.broker FOLDER     prints the address, runs until it is interrupted

The jars come once through Maven into ~/.cache/wayfare (or WAYFARE_TEST_JARS). Start to ready takes about 1.5 s, a
restart after `kill` about 3.4 s: the old registration has to expire first.
"""

import base64
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import uuid
from pathlib import Path

from kafka import KafkaAdminClient
from kafka.errors import KafkaError

HERE = Path(__file__).resolve().parent / "kafka"
VERSION = "4.3.0"  # as in pom.xml
JVM = ("-Xmx256m", "-Xms64m", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC")


class BrokerMissing(RuntimeError):
    """Java, Maven or the jars are not there; the message says which and what would help."""


def jars() -> Path:
    """Folder with the broker's jars, fetched if need be."""
    if given := os.environ.get("WAYFARE_TEST_JARS"):
        return Path(given)
    folder = Path.home() / ".cache" / "wayfare" / f"kafka-{VERSION}"
    if folder.is_dir():
        return folder
    if shutil.which("mvn") is None:
        raise BrokerMissing(
            "Maven fetches the Kafka broker for the tests: install it, or name a broker in WAYFARE_TEST_KAFKA=host:port"
        )
    fetched = folder.with_name(f"{folder.name}.{os.getpid()}")  # renamed when complete: tests may run side by side
    command = ["mvn", "-q", "-B", "-f", str(HERE / "pom.xml"), "dependency:copy-dependencies"]
    done = subprocess.run([*command, f"-DoutputDirectory={fetched}"], capture_output=True, text=True, timeout=600)
    if done.returncode:
        raise BrokerMissing(f"Maven could not fetch the Kafka broker: {done.stdout[-2000:]}")
    try:
        fetched.rename(folder)
    except OSError:  # another test run was first
        shutil.rmtree(fetched)
    return folder


def free_ports(count: int) -> list[int]:
    """Ports that were free a moment ago."""
    sockets = [socket.socket() for _ in range(count)]
    for each in sockets:
        each.bind(("127.0.0.1", 0))
    ports = [int(each.getsockname()[1]) for each in sockets]
    for each in sockets:
        each.close()
    return ports


class Broker:
    """A broker in `folder`. A folder that was used before keeps its ports and its data."""

    def __init__(self, folder: Path, properties: dict[str, str] | None = None) -> None:
        if shutil.which("java") is None:
            raise BrokerMissing(
                "the Kafka broker needs Java 17: install it, or name one in WAYFARE_TEST_KAFKA=host:port"
            )
        self.folder = folder.resolve()
        self.folder.mkdir(parents=True, exist_ok=True)
        self._jars = jars()
        self._config = self.folder / "server.properties"
        self._process: subprocess.Popen[bytes] | None = None
        if not self._config.exists():
            self._configure(properties or {})
        lines = dict(line.split("=", 1) for line in self._config.read_text().splitlines())
        self.address = lines["advertised.listeners"].removeprefix("PLAINTEXT://")

    def start(self, timeout: float = 60) -> "Broker":
        """Starts it, after `stop` and `kill` too; returns when it answers."""
        if not (self.folder / "data" / "meta.properties").exists():
            self._format()
        with open(self.folder / "broker.log", "ab") as log:
            command = self._java("kafka.Kafka", str(self._config))
            self._process = subprocess.Popen(command, stdout=log, stderr=log, cwd=self.folder, start_new_session=True)
        self._wait(self._process, timeout)
        return self

    def stop(self, timeout: float = 30) -> None:
        """A clean stop, in 0.2 to 0.4 s. Nothing where it does not run."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(timeout)
            self._process = None

    def kill(self) -> None:
        """Kill -9."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def _configure(self, properties: dict[str, str]) -> None:
        lines = (HERE / "server.properties").read_text().splitlines()
        config = dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))
        port, controller = free_ports(2)
        config["controller.quorum.voters"] = f"1@127.0.0.1:{controller}"
        config["listeners"] = f"PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}"
        config["advertised.listeners"] = f"PLAINTEXT://127.0.0.1:{port}"
        config["log.dirs"] = str(self.folder / "data")
        self._config.write_text("".join(f"{key}={value}\n" for key, value in {**config, **properties}.items()))

    def _format(self) -> None:
        # 22 characters; a leading "-" (one random id in 64) would be taken for an option.
        cluster = "T" + base64.urlsafe_b64encode(uuid.uuid4().bytes).decode()[1:22]
        command = self._java("kafka.tools.StorageTool", "format", "-t", cluster, "-c", str(self._config))
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, cwd=self.folder, timeout=60)

    def _java(self, main: str, *arguments: str) -> list[str]:
        path = ":".join(sorted(map(str, self._jars.glob("*.jar"))))
        logging = f"-Dlog4j2.configurationFile={HERE / 'log4j2.properties'}"
        return ["java", *JVM, logging, "-cp", path, main, *arguments]

    def _wait(self, process: "subprocess.Popen[bytes]", timeout: float) -> None:
        """Ready: it answers over the protocol and lists itself as a broker."""
        host, port = self.address.rsplit(":", 1)
        end, last = time.monotonic() + timeout, "no answer"
        while time.monotonic() < end:
            if process.poll() is not None:
                tail = (self.folder / "broker.log").read_text()[-2000:]
                raise RuntimeError(f"the broker exited with {process.returncode}: {tail}")
            try:
                socket.create_connection((host, int(port)), 0.2).close()  # cheap; keeps the client's backoff out of it
                with KafkaAdminClient(bootstrap_servers=self.address, request_timeout_ms=2000) as admin:
                    if admin.describe_cluster()["brokers"]:
                        return
            except (OSError, KafkaError) as error:
                last = repr(error)
            time.sleep(0.05)
        raise TimeoutError(f"the broker was not ready after {timeout} s: {last}")


def main() -> None:
    broker = Broker(Path(sys.argv[1])).start()
    print(broker.address, flush=True)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    try:
        signal.pause()
    except KeyboardInterrupt:
        pass
    finally:
        broker.stop()


if __name__ == "__main__":
    main()
