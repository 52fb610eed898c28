"""The only part of Relievo that writes Blender data. Blender's axes and colour spaces appear here and nowhere else."""


def register() -> None:
    from . import preferences, settings

    for module in (preferences, settings):
        module.register()


def unregister() -> None:
    from . import preferences, settings

    for module in (settings, preferences):
        module.unregister()
