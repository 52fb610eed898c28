"""Bring the chosen model's files here."""

from __future__ import annotations

import textwrap
from typing import Any

import bpy

from ...engine import catalog
from ...engine.catalog.actions import license_lines
from ...engine.catalog.models_text import gigabytes
from ...engine.catalog.parts import Part
from ...engine.contract.errors import Refusal
from ...scene.blocks.context import Context, current
from ...scene.settings import tab
from ..shared import model_files
from ..shared.model_files import OnModelFiles
from ..shared.verb import ONLINE_ACCESS_OFF

DIALOG_PX = 460
DIALOG_CHARACTERS = 72  # of a line in it


def _text_encoders(properties: object, context: object) -> tuple[tuple[str, str, str], ...]:
    """What can take that place in the chosen model; Blender needs strings that stay, which the catalogue's are."""
    entry = tab.of(current().scene).entry if context else catalog.models()[0]
    choices = next((slot.choices for slot in entry.parts if slot.role == "text_encoder"), ())
    return tuple((part.id, part.label, part.repository) for part in choices) or (("none", "None", "It needs none"),)


class DEPTHWRIGHT_OT_download_model(OnModelFiles, bpy.types.Operator):
    """Download what is missing of the chosen model. It goes on in the background, and where it was stopped"""

    bl_idname = "depthwright.download_model"
    bl_label = "Download Model"

    repair: bpy.props.BoolProperty(
        name="Repair",
        description="Check every file that is here, and download anew what is damaged",
        default=False,
        options={"SKIP_SAVE"},
    )
    text_encoder: bpy.props.EnumProperty(
        name="Text Encoder",
        description="What reads the prompt: another form of it may be smaller",
        items=_text_encoders,
        options={"SKIP_SAVE"},
    )

    @classmethod
    def why_not(cls, context: Context) -> Refusal | None:
        return super().why_not(context) if bpy.app.online_access else Refusal(*ONLINE_ACCESS_OFF)

    def invoke(self, context: Context, event: bpy.types.Event) -> set[str]:
        here = model_files.files.states.get(tab.of(context.scene).model, {})
        for slot in here.get("parts", ()):
            if slot["role"] == "text_encoder" and slot["folder"]:  # or another one would be brought besides
                self.text_encoder = slot["part"]
        return set[str](context.window_manager.invoke_props_dialog(self, width=DIALOG_PX))

    def draw(self, context: Context) -> None:
        entry, layout = tab.of(context.scene).entry, self.layout
        size = sum(part.bytes for part in self._parts(context))
        layout.label(text=f"{entry.label}: about {gigabytes(size)}", icon="IMPORT")
        terms = layout.box().column(align=True)
        terms.scale_y = 0.8
        for line in license_lines(entry):
            for number, part in enumerate(textwrap.wrap(line, DIALOG_CHARACTERS)):
                terms.label(text=part if number == 0 else f"    {part}")
        if not entry.commercial:
            warning = layout.column(align=True)
            warning.alert = True
            warning.label(text="OK means: you agree to this, and will not use it for commercial work.", icon="ERROR")
        if len(_text_encoders(self, context)) > 1:
            layout.prop(self, "text_encoder")
        layout.prop(self, "repair")

    def _parts(self, context: Context) -> list[Part]:
        """What would be brought, were nothing of it here."""
        slots = tab.of(context.scene).entry.parts
        wished = {part.id: part for slot in slots for part in slot.choices if slot.role == "text_encoder"}
        return [
            wished.get(self.text_encoder, slot.choices[0]) if slot.role == "text_encoder" else slot.choices[0]
            for slot in slots
        ]

    def execute(self, context: Context) -> set[str]:
        """The dialog was confirmed, with the licences in it; a script's call means the same."""
        entry = tab.of(context.scene).entry
        options: dict[str, Any] = {"model": entry.id, "accepted": True, "repair": self.repair}
        if len(_text_encoders(self, context)) > 1:
            options["parts"] = {"text_encoder": self.text_encoder}
        return self.begin("download", options)


def register() -> None:
    bpy.utils.register_class(DEPTHWRIGHT_OT_download_model)


def unregister() -> None:
    bpy.utils.unregister_class(DEPTHWRIGHT_OT_download_model)
