"""Throw-away certificates: an authority, a server for `127.0.0.1`, a client, and a stranger nobody vouches for."""

import subprocess
from pathlib import Path

from tests.kafka.jars import command

DAYS = "2"


class Certificates:
    """PEM files in `directory`; `make` writes them once. None of them is worth anything outside a test."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.authority = directory / "authority.pem"
        self.server = directory / "server.pem"
        self.client = directory / "client.pem"
        self.stranger = directory / "stranger.pem"

    def key(self, certificate: Path) -> Path:
        """The private key that belongs to `certificate`."""
        return certificate.with_suffix(".key")

    def make(self) -> None:
        """Write authority, server and client, and a stranger that signed itself."""
        if self.stranger.exists():
            return
        self.directory.mkdir(parents=True, exist_ok=True)
        self.self_signed(self.authority, "headrace-test-authority")
        self.signed(self.server, "127.0.0.1")
        self.signed(self.client, "headrace-worker")
        self.self_signed(self.stranger, "stranger")

    def self_signed(self, certificate: Path, name: str) -> None:
        self.request("-x509", "-days", DAYS, "-subj", f"/CN={name}", *self.outputs(certificate))

    def signed(self, certificate: Path, name: str) -> None:
        self.request(
            "-x509", "-days", DAYS, "-subj", f"/CN={name}", "-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost",
            "-addext", "basicConstraints=critical,CA:false",
            "-CA", str(self.authority), "-CAkey", str(self.key(self.authority)), *self.outputs(certificate),
        )  # fmt: skip

    def outputs(self, certificate: Path) -> tuple[str, ...]:
        return ("-keyout", str(self.key(certificate)), "-out", str(certificate))

    def request(self, *arguments: str) -> None:
        made = [command("openssl", "openssl"), "req", "-newkey", "rsa:2048", "-nodes", *arguments]
        subprocess.run(made, check=True, capture_output=True)

    def server_properties(self) -> dict[str, str]:
        """The server's settings for a listener on which both sides show a certificate of the authority."""
        store = self.directory / "server-store.pem"
        store.write_text(self.key(self.server).read_text() + self.server.read_text())
        return {
            "ssl.keystore.type": "PEM",
            "ssl.keystore.location": str(store),
            "ssl.truststore.type": "PEM",
            "ssl.truststore.location": str(self.authority),
            "ssl.client.auth": "required",
        }
