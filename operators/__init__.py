"""What the user can do, one verb a file. An operator reads the settings, calls, reports."""


def _modules():
    # Inside the function: the command line's parser must be importable without Blender.
    from . import (
        align_to_scene,
        cancel,
        cancel_files,
        command,
        copy_error,
        dismiss,
        download_model,
        export_maps,
        free_memory,
        generate,
        handlers,
        import_model,
        install_engine,
        mark_asset,
        open_log,
        paint,
        paint_rebake,
        paint_region,
        paint_remove,
        paint_view_again,
        paint_view_remove,
        preview,
        randomise_seed,
        set_distance,
        texture_undo,
        verify_model,
    )

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
        download_model,
        import_model,
        verify_model,
        cancel_files,
        align_to_scene,
        set_distance,
        paint,
        paint_region,
        paint_rebake,
        paint_remove,
        paint_view_again,
        paint_view_remove,
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
