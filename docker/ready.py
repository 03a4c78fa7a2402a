"""The image's health check: exit code 0 if the worker in this container answers for its tables, else 1.

It asks `/readyz`, which needs no token, on the port of `HEADRACE_PORT`.
"""

import os
import sys
import urllib.error
import urllib.request

SECONDS = 3
"""Less than the time-out of HEALTHCHECK, so that the reason is said."""


def unready(port: str) -> str:
    """Why the worker is not ready; empty if it is."""
    try:
        urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=SECONDS).close()
    except urllib.error.HTTPError as error:
        return f"{error.code} {error.read(500).decode(errors='replace')}"
    except OSError as error:
        return str(error)
    return ""


if __name__ == "__main__":
    reason = unready(os.environ.get("HEADRACE_PORT", "8787"))
    print(reason or "ready")
    sys.exit(1 if reason else 0)
