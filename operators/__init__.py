"""What the user can do, one verb a file. An operator reads the settings, calls, reports."""


def _modules():
    # Inside the function: the command line's parser must be importable without Blender.
    from . import (
        cancel,
        cancel_install,
        copy_error,
        dismiss,
        free_memory,
        generate,
        install_engine,
        open_log,
        prove_engine,
        randomise_seed,
        remove_engine,
    )
    from .events import command, handlers
    from .models import cancel_files, download_model, import_model, verify_model
    from .paint import paint, rebake, region, take_off, view_again, view_remove
    from .results import align_to_scene, export_maps, mark_asset, set_distance
    from .shared import preview, texture_undo

    return (
        preview,  # first: generate shows its pictures there
        generate,
        cancel,
        randomise_seed,
        dismiss,
        copy_error,
        free_memory,
        export_maps,
        mark_asset,
        open_log,
        install_engine,
        prove_engine,
        remove_engine,
        cancel_install,
        download_model,
        import_model,
        verify_model,
        cancel_files,
        align_to_scene,
        set_distance,
        paint,
        region,
        rebake,
        take_off,
        view_again,
        view_remove,
        texture_undo,
        handlers,
        command,
    )


def register() -> None:
    for module in _modules():
        module.register()


def unregister() -> None:
    for module in reversed(_modules()):
        module.unregister()
