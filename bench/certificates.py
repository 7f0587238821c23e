"""A server's certificate for a run, signed by itself: a generator trusts whatever it is shown."""

import subprocess
from pathlib import Path

from bench.command import need_program
from bench.process import StartError

KEYS = {  # openssl's words
    "ecdsa": ("ec", "ec_paramgen_curve:prime256v1"),
    "rsa": ("rsa", "rsa_keygen_bits:2048"),
}


def make_certificate(folder: Path, key: str = "ecdsa") -> tuple[Path, Path]:
    """Write the certificate and its key into `folder`. Raises StartError."""
    need_program("openssl", "openssl")
    kind, size = KEYS[key]
    files = folder / "cert.pem", folder / "key.pem"
    command = ["openssl", "req", "-x509", "-newkey", kind, "-pkeyopt", size, "-nodes", "-days", "2"]
    command += ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]
    done = subprocess.run(
        [*command, "-out", str(files[0]), "-keyout", str(files[1])], capture_output=True, text=True, timeout=30
    )
    if done.returncode:
        raise StartError(f"openssl makes no certificate: {done.stderr.strip().splitlines()[-1]}")
    return files
