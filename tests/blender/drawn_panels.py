"""The tab as text: every panel drawn on a layout that takes only what Blender would take."""

from __future__ import annotations

from types import SimpleNamespace

import bpy

FUNCTIONS = bpy.types.UILayout.bl_rna.functions
PROPERTIES = bpy.types.UILayout.bl_rna.properties


class CheckingLayout:
    """Stands for UILayout: takes only calls that Blender would take, and notes what is drawn."""

    def __init__(self, drawn: list[str] | None = None) -> None:
        object.__setattr__(self, "drawn", [] if drawn is None else drawn)

    def __setattr__(self, name, value):
        assert name in PROPERTIES, f"UILayout has no {name}"

    def __getattr__(self, name):
        function = FUNCTIONS[name]

        def call(*arguments, **options):
            unknown = set(options) - set(function.parameters.keys())
            assert not unknown, f"{name} takes no {unknown}"
            if (icon := options.get("icon")) is not None:
                assert icon in function.parameters["icon"].enum_items, icon
            if name == "prop":
                data, key = arguments
                if key.startswith('["'):  # a custom property, by its path: an input of a modifier, before 5.2
                    assert key[2:-2] in data, key
                else:
                    assert key in data.bl_rna.properties, key
                self.drawn.append(f"prop {options['text'] if key.startswith('[') or key == 'value' else key}")
            elif name == "operator":
                group, verb = arguments[0].split(".")
                assert verb in dir(getattr(bpy.ops, group)), arguments[0]
                self.drawn.append(f"operator {verb}")
                return CheckingProperties(getattr(getattr(bpy.ops, group), verb).get_rna_type().properties)
            elif "text" in options:
                self.drawn.append(options["text"])
            return CheckingLayout(self.drawn)

        return call


class CheckingProperties:
    """Stands for an operator's properties on a button."""

    def __init__(self, known) -> None:
        object.__setattr__(self, "known", known)

    def __setattr__(self, name, value):
        assert name in self.known, name


def panels() -> list[type]:
    return [cls for cls in bpy.types.Panel.__subclasses__() if cls.__name__.startswith("DEPTHWRIGHT_")]


def draw(paint: bool = True, only: str | None = None) -> str:
    """All panels that show, with those of texture painting or without, or one alone; what they draw, as text."""
    layout = CheckingLayout()
    context = SimpleNamespace(
        scene=bpy.context.scene,
        mode=bpy.context.mode,
        active_object=bpy.context.active_object,
        preferences=bpy.context.preferences,
        region=SimpleNamespace(width=300),
    )
    for panel in panels():
        if "_paint" in panel.__name__ and not paint:
            continue
        if only is not None and panel.__name__ != f"DEPTHWRIGHT_PT_{only}":
            continue
        if not hasattr(panel, "poll") or panel.poll(context):
            if hasattr(panel, "draw_header"):
                panel.draw_header(SimpleNamespace(layout=layout), context)
            panel.draw(SimpleNamespace(layout=layout), context)
    return "\n".join(layout.drawn)
