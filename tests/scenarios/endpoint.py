"""The ClickHouse endpoint as a process that a test can take away and bring back."""

import subprocess
import sys
from pathlib import Path

from tests.equipment.broker import free_ports
from tests.scenarios.part import HOUSE, until


class Endpoint:
    """chdb behind ClickHouse's protocol on a folder; the port stays over restarts."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.output = folder / "data", folder / "endpoint.log"
        folder.mkdir(parents=True, exist_ok=True)
        self.port, self._http = free_ports(2)
        self._process: subprocess.Popen[bytes] | None = None

    def url(self, database: str) -> str:
        return f"clickhouse://default@127.0.0.1:{self.port}/{database}"

    def start(self) -> "Endpoint":
        """Returns when it answers."""
        said = self.output.read_text().count("ready") if self.output.exists() else 0
        command = [sys.executable, "-m", "tests.equipment.clickhouse_endpoint", str(self.folder)]
        with self.output.open("ab") as output:
            self._process = subprocess.Popen(
                [*command, "--tcp", str(self.port), "--http", str(self._http)], stdout=output, stderr=output, cwd=HOUSE
            )
        until(lambda: self.output.read_text().count("ready") > said or self._ended(), "the ClickHouse endpoint starts")
        assert not self._ended(), self.output.read_text()[-2000:]
        return self

    def kill(self) -> None:
        """Kill -9."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(10)

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(20)

    def _ended(self) -> bool:
        return self._process is not None and self._process.poll() is not None
