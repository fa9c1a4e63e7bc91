"""Where Chromium is; run as a program, installs it where there is none.

As root on Debian by apt; elsewhere by Playwright's own download. The headless shell is preferred: the same engine without
the windows around it, for a quarter less of the processor. Without a browser the run fails and says what to do: browser
tests are not skipped.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

NAMES = (
    "chromium-headless-shell",
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
)
PACKAGES = ("chromium-headless-shell", "chromium")
"""Of Debian; the first one that there is. Ubuntu has neither as a package of its own."""
ARGUMENTS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]


def find() -> str | None:
    """The path of a Chromium on this machine, Playwright's own included."""
    if named := os.environ.get("CHROMIUM"):
        return named
    for name in NAMES:
        if path := shutil.which(name):
            return path
    caches = [Path.home() / ".cache" / "ms-playwright", Path.home() / "Library" / "Caches" / "ms-playwright"]
    for cache in caches:
        for pattern in (
            "chromium_headless_shell-*/*/*headless[_-]shell",
            "chromium-*/chrome-linux*/chrome",
            "chromium-*/chrome-mac*/Chromium.app/Contents/MacOS/Chromium",
        ):
            if found := sorted(cache.glob(pattern)):
                return str(found[-1])
    return None


def install() -> None:
    if os.name == "posix" and hasattr(os, "geteuid") and os.geteuid() == 0 and shutil.which("apt-get"):
        quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        subprocess.run(["apt-get", "update", "-qq"], check=True, env=quiet)
        for package in PACKAGES:
            installed = subprocess.run(
                ["apt-get", "install", "-y", "-qq", "--no-install-recommends", package, "fonts-liberation"],
                check=package == PACKAGES[-1], env=quiet, stdout=subprocess.DEVNULL,
            )  # fmt: skip
            if installed.returncode == 0:
                return
    else:
        subprocess.run(
            [sys.executable, "-m", "playwright", "install", "--only-shell", "chromium"], check=True
        )


def main() -> int:
    if find():
        return 0
    print("No Chromium found, installing one.", file=sys.stderr)
    try:
        install()
    except (OSError, subprocess.CalledProcessError) as failure:
        print(f"It could not be installed: {failure}", file=sys.stderr)
    if find():
        return 0
    print("The browser tests need Chromium: install it, or name it in CHROMIUM=/path/to/it.", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
