"""Relievo's tab in the sidebar of the 3D viewport. Panels draw, nothing else."""


def _modules():
    from . import constraints, engine, generate, model, placement

    return generate, model, constraints, placement, engine  # the order in the tab; the others hang below the first


def register() -> None:
    for module in _modules():
        module.register()


def unregister() -> None:
    for module in reversed(_modules()):
        module.unregister()
