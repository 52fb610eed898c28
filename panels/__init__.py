"""Depthwright's tab in the sidebar of the 3D viewport. Panels draw, nothing else."""


def _modules():
    from . import constraints, engine, engine_box, generate, live_scene, model, model_files, paint, placement, scale

    # The order in the tab; all but the last three hang below the first.
    return engine_box, generate, model_files, model, constraints, placement, engine, paint, live_scene, scale


def register() -> None:
    for module in _modules():
        module.register()


def unregister() -> None:
    for module in reversed(_modules()):
        module.unregister()
