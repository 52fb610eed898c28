"""Relievo: prompts become pictures with depth. Blender's entry to the extension."""


def register() -> None:
    from . import operators, panels, scene

    for part in (scene, operators, panels):  # settings first: operators and panels read them
        part.register()


def unregister() -> None:
    from . import operators, panels, scene

    for part in (panels, operators, scene):
        part.unregister()
