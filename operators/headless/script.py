"""The script ``depthwright``: a signal is heeded from here on, before anything else is loaded."""

from . import stopping

stopping.begin_loading()


def main() -> None:
    from .entry import main

    main()
