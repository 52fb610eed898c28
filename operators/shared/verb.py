"""What every operator has that can be refused, or can fail."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import bpy

from ...scene.blocks.context import Context
from . import session

if TYPE_CHECKING:
    from ...engine.contract.errors import EngineError, Refusal

    class _Operator(bpy.types.Operator):
        @property
        def layout(self) -> bpy.types.UILayout: ...

else:
    _Operator = object  # Blender wants its own class as the last base of what it registers


class Verb(_Operator):
    """Base of operators that say why they cannot."""

    @classmethod
    def why_not(cls, context: Context) -> Refusal | None:
        """What is missing, but for others that are at work. Called while drawing: cheap, and nothing of the disk."""
        return None

    @classmethod
    def refusal(cls, context: Context) -> Refusal | None:
        """Why the operator cannot begin; None when it can."""
        return cls.why_not(context)

    @classmethod
    def poll(cls, context: Context) -> bool:
        refusal = cls.refusal(context)
        if refusal is not None:
            cls.poll_message_set(str(refusal))
        return refusal is None

    def failed(self, error: EngineError) -> set[str]:
        """Report it; how the operator ends then."""
        self.report({"ERROR"}, f"{error.summary} {error.remedy}")
        return {"CANCELLED"}


class PanelVerb(Verb):
    """Base of those that are in each other's way.

    status  of the panel that the operator belongs to: what is said of it stands there, and who is at work there,
            or in its way, refuses it
    """

    status: ClassVar[session.Status]

    @classmethod
    def refusal(cls, context: Context) -> Refusal | None:
        return session.busy(cls.status) or super().refusal(context)


ONLINE_ACCESS_OFF = "Online access is off.", "Allow it: Preferences > System > Network > Allow Online Access."
