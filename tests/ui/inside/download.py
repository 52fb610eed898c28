"""A person's download of the published model: looks at the licence, presses the button, watches, checks the files.

The hub is in this process: /mnt/hub is tests/hub. Its files are small; which they are is the catalogue's business.
"""

import importlib
import os
import sys

sys.path.insert(0, "/mnt/inside")
sys.path.insert(0, "/mnt/hub")

import bpy
import server
from viewport import NAME, call, enable, override, show_tab, wait_until, write_state

MB = 1_000_000
os.environ["HF_HOME"], os.environ["DEPTHWRIGHT_DATA_DIR"] = "/tmp/hf", "/tmp/depthwright-data"

enable()
session = importlib.import_module(f"{NAME}.operators.shared.session")
model_files = importlib.import_module(f"{NAME}.operators.shared.model_files")
catalog = importlib.import_module(f"{NAME}.engine.catalog")


def steps():
    contents = server.contents_of(catalog.find("modality_forcing"), 24 * MB)
    with server.Hub(files=contents, hold_after=12 * MB) as hub:
        os.environ["HF_ENDPOINT"] = hub.url
        yield from show_tab()
        settings = bpy.context.scene.depthwright
        bpy.context.preferences.system.use_online_access = True
        settings.target, settings.prompt, settings.model = "scene", "a sunlit kitchen", "modality_forcing"
        files = model_files.files
        yield from wait_until(lambda: "modality_forcing" in files.states, 60, "a look at the model's files")
        assert not files.states["modality_forcing"]["ready"]
        yield 1.0
        yield "missing.png"

        assert call(bpy.ops.depthwright.download_model, text_encoder="qwen3-8b-fp8") == {"FINISHED"}
        assert not session.files.job.done, "the button waited for the end"

        def brought():
            assert session.files.error is None, session.files.error.detail
            progress = session.files.job.progress if session.files.job else None
            return hub.held.is_set() and progress is not None and progress.step >= 10

        yield from wait_until(brought, 60, "the first megabytes")
        turns = 0
        for _ in range(10):  # the server stands still; Blender goes on
            turns += hub.held.is_set() and not hub.go_on.is_set()
            yield 0.1
        yield "downloading.png"
        hub.go_on.set()
        yield from wait_until(lambda: session.files.job is None, 60, "the end of the download")
        assert session.files.error is None, session.files.error.detail
        notes = session.files.notes
        assert files.states["modality_forcing"]["ready"]
        yield 1.0
        yield "here.png"

        assert call(bpy.ops.depthwright.verify_model) == {"FINISHED"}
        yield from wait_until(lambda: session.files.job is None, 60, "the end of the check")
        checked = session.files.notes
        override()["area"].tag_redraw()
        yield 0.8
        yield "checked.png"
        call(bpy.ops.depthwright.download_model, "INVOKE_DEFAULT")
        yield 1.5
        yield "licence.png"
        write_state(turns=turns, notes=notes, checked=" ".join(checked))
