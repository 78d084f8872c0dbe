"""Installs every part under the one name `aisle` (an implicit namespace package)."""

from setuptools import find_packages, setup

PARTS = ("schema", "datasets", "model", "components", "pipeline", "serving", "cli")

packages = [
    f"aisle.{name}" for part in PARTS for name in (part, *(f"{part}.{sub}" for sub in find_packages(part)))
]

setup(
    packages=packages,
    package_dir={f"aisle.{part}": part for part in PARTS},
    package_data={package: ["py.typed", "*.pbtxt", "*.proto", "*.html", "*.css", "*.md"] for package in packages},
)
