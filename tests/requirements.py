"""Whether the compiled requirements are in step with pyproject.toml; with `--compile`, makes them anew.

Compiled files hold exact versions and no address of any index.
"""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[1]


def main() -> int:
    if "--compile" in sys.argv:
        compile_requirements()
    faults = list(out_of_step())
    for fault in faults:
        print(fault, file=sys.stderr)
    return 1 if faults else 0


def out_of_step() -> list[str]:
    """One line per difference between what is asked for and what is pinned."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    asked = [Requirement(line) for line in project["dependencies"]]
    asked_of_developers = [Requirement(line) for line in project["optional-dependencies"]["dev"]]
    faults: list[str] = []
    for name, wanted in (("requirements.txt", asked), ("requirements-dev.txt", asked + asked_of_developers)):
        text = (ROOT / name).read_text()
        pinned = dict(re.findall(r"^([A-Za-z0-9._-]+)==([^\s;]+)", text, re.MULTILINE))
        pinned = {canonicalize_name(package): version for package, version in pinned.items()}
        for requirement in wanted:
            version = pinned.get(canonicalize_name(requirement.name))
            if version is None:
                faults.append(f"{name} lacks {requirement.name}: run `make lock`")
            elif not requirement.specifier.contains(version, prereleases=True):
                faults.append(
                    f"{name} has {requirement.name} {version}, asked for is {requirement.specifier}: run `make lock`"
                )
        if re.search(r"^\s*(-i|-f|--index|--extra-index|--find-links|--trusted)|://", text, re.MULTILINE):
            faults.append(f"{name} names the address of an index")
    return faults


def compile_requirements() -> None:
    """Compiles both files with uv, without any index line in them."""
    quiet = [
        "--no-header",
        "--no-annotate",
        "--no-emit-index-url",
        "--no-emit-find-links",
        "--quiet",
        "--upgrade",
    ]
    base = [
        sys.executable,
        "-m",
        "uv",
        "pip",
        "compile",
        "--universal",
        "--python-version",
        "3.11",
        *quiet,
        "pyproject.toml",
    ]
    subprocess.run([*base, "-o", "requirements.txt"], cwd=ROOT, check=True)
    subprocess.run(
        [*base, "--extra", "dev", "-c", "requirements.txt", "-o", "requirements-dev.txt"],
        cwd=ROOT,
        check=True,
    )


if __name__ == "__main__":
    sys.exit(main())
