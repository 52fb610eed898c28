"""The package ``depthwright`` is this folder itself; all else is said in pyproject.toml.

Its parts are found here because pyproject.toml can only list them one by one, and a list forgets.
"""

from setuptools import find_namespace_packages, setup

PARTS = ("engine", "operators", "panels", "scene")  # what runs; tests, benchmarks and docs stay in the repository

found = find_namespace_packages(include=[name for part in PARTS for name in (part, f"{part}.*")])
setup(
    script_name="setup.py",  # or this file would be taken for a module of the package
    packages=["depthwright", *(f"depthwright.{name}" for name in found)],
)
