"""What every operator has that can be refused, or can fail."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import bpy

from . import session

if TYPE_CHECKING:
    from ...engine.contract.errors import EngineError, Refusal


class Verb:
    """Base of operators that say why they cannot.

    status  of the panel that the operator belongs to: what is said of it stands there, and who is at work there,
            or in its way, refuses it. None: it is in nobody's way, and only reports
    """

    status: ClassVar[session.Status | None] = None

    @classmethod
    def why_not(cls, context: bpy.types.Context) -> Refusal | None:
        """What is missing, but for others that are at work. Called while drawing: cheap, and nothing of the disk."""
        return None

    @classmethod
    def refusal(cls, context: bpy.types.Context) -> Refusal | None:
        """Why the operator cannot begin; None when it can."""
        at_work = session.busy(cls.status) if cls.status is not None else None
        return at_work or cls.why_not(context)

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        refusal = cls.refusal(context)
        if refusal is not None:
            cls.poll_message_set(str(refusal))
        return refusal is None

    def failed(self, error: EngineError) -> set[str]:
        """Report it; how the operator ends then."""
        self.report({"ERROR"}, f"{error.summary} {error.remedy}")
        return {"CANCELLED"}


ONLINE_ACCESS_OFF = "Online access is off.", "Allow it: Preferences > System > Network > Allow Online Access."
