"""Asks the web process of this container whether it is ready; exits 0 if so."""

import os
import sys
import urllib.error
import urllib.request


def main() -> int:
    # Django answers to the names it knows alone, and a container's own address is none of them.
    host = os.environ.get("ALLOWED_HOSTS", "localhost").split(",")[0].strip().lstrip(".*")
    request = urllib.request.Request(
        "http://127.0.0.1:8000/health/ready/", headers={"Host": host or "localhost"}
    )
    try:
        with urllib.request.urlopen(request, timeout=4) as response:
            return 0 if response.status == 200 else 1
    except (urllib.error.URLError, OSError):
        return 1


if __name__ == "__main__":
    sys.exit(main())
