"""Depthwright: prompts become pictures with depth. Blender's entry to the extension."""


def _parts():
    from . import operators, panels
    from .scene.settings import paint, preferences, tab

    return tab, paint, preferences, operators, panels  # settings first: operators and panels read them


def register() -> None:
    for part in _parts():
        part.register()


def unregister() -> None:
    for part in reversed(_parts()):
        part.unregister()
