"""Installs every part under the one name `aisle` (an implicit namespace package).

The folders lie at the repository's root; `package_dir` maps `model/` to `aisle.model`, and so on. Everything
else about the package is in pyproject.toml.
"""

from setuptools import find_packages, setup

PARTS = (
    *("schema", "ads", "experiments", "datasets", "model"),
    *("components", "pipeline", "serving", "gateway", "cli"),
)
DATA = (
    "py.typed",
    "*.pbtxt",
    "*.proto",
    "*.html",
    "*.css",
    "*.svg",
    "*.json",
    "*.toml",
    "*.yaml",
    "*.txt",
    "*.po",
    "*.conf",
    "*.sh",
    "templates/*.html",
    "static/*",
)

packages = [
    f"aisle.{name}" for part in PARTS for name in (part, *(f"{part}.{sub}" for sub in find_packages(part)))
]

setup(
    packages=packages,
    package_dir={f"aisle.{part}": part for part in PARTS},
    package_data={package: list(DATA) for package in packages},
)
