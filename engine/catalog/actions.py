"""What can be done with a model's files: list, where, verify, import, download. Needs neither Blender nor torch.

Every action takes plain values and gives a record of plain values, so that it can be asked for over the pipe.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ..contract.errors import InputError, ModelError
from . import ModelEntry, find, models, pins, places
from .parts import Part, parts
from .verify import CONFIG, check_part, check_variant, header_fault, variant_of

MB = 1_000_000

Record = dict[str, Any]
#: report(stage, step, of): may raise, which stops the action.
Report = Callable[[str, int, int], None]


def perform(action: str, options: Record, report: Report) -> Record:
    """Do it.

    list      {"models": [...]}, one or, with the option model, that one: as state_of gives it
    verify    model: the same record, with the findings; ModelError where a file is wrong
    import    folder, model (or none: any): {"imported": {part: folder}}
    download  model; parts {role: part}, to bring another than the first choice; accepted, that the licences were
              read; repair, to look into what is here already and bring anew what is wrong: as state_of gives it
    Raises EngineError. What ``report`` raises goes through.
    """
    if action == "list":
        chosen = models() if options.get("model") is None else (find(options["model"]),)
        return {"models": [state_of(entry) for entry in chosen]}
    if action == "verify":
        return _verify(find(options["model"]), report)
    if action == "import":
        return _import(Path(options["folder"]).expanduser(), options.get("model"))
    if action == "download":
        return _download(find(options["model"]), options, report)
    raise InputError(f"There is no action '{action}'.", "Use the same version of Depthwright on both sides.")


def state_of(entry: ModelEntry) -> Record:
    """The model, and how much of it, and of what it needs, is on this computer and in this Python."""
    slots = []
    for slot in entry.parts:
        part = next((part for part in slot.choices if places.find(part)), slot.choices[0])
        folder = places.find(part)
        slots.append(
            {
                "role": slot.role,
                "part": part.id,
                "label": part.label,
                "license": part.license.name,
                "bytes": part.bytes,
                "folder": str(folder) if folder else None,
            }
        )
    shipped = str(entry.checkpoint_dir) if entry.folder else None
    return {
        "id": entry.id,
        "label": entry.label,
        "modes": list(entry.modes),
        "license": entry.license,
        "license_note": entry.license_note,
        "commercial": entry.commercial,
        "device_gb": entry.needs.device_gb,
        "lacking_packages": [name for name in entry.needs.packages if importlib.util.find_spec(name) is None],
        "folder": shipped,
        "parts": slots,
        "bytes": sum(slot["bytes"] for slot in slots),
        "present_bytes": places.present_bytes(parts()[slot["part"]] for slot in slots),
        "ready": all(slot["folder"] for slot in slots),
    }


def license_lines(entry: ModelEntry) -> list[str]:
    """What has to be read before a download: a sentence a part, which has no fixed version, what is forbidden."""
    lines = [
        f"{slot.choices[0].label}: {slot.choices[0].license.name} ({slot.choices[0].license.url})"
        for slot in entry.parts
    ]
    lines += [
        f"{slot.choices[0].label}: no fixed version of it is known. The first that is downloaded is kept to."
        for slot in entry.parts
        if not pins.is_fixed(slot.choices[0])
    ]
    return [*lines, *(f"{license.name} forbids: {license.forbids}" for license in entry.licenses if license.forbids)]


def _verify(entry: ModelEntry, report: Report) -> Record:
    record = state_of(entry)
    total, read = max(1, record["present_bytes"] // MB), 0

    def on_bytes(count: int) -> None:
        nonlocal read
        read += count
        report("checking, MB", min(total, read // MB), total)

    wrong = []
    for slot in record["parts"]:
        if slot["folder"] is None:
            raise places.missing(entry, slot["role"])
        report(f"checking {slot['label']}", 0, 0)
        findings = check_part(parts()[slot["part"]], Path(slot["folder"]), on_bytes)
        slot["findings"] = [{"path": item.path, "by": item.by, "wrong": item.wrong} for item in findings]
        wrong += [(Path(slot["folder"]) / item.path, item) for item in findings if item.wrong]
    if wrong:
        named = "; ".join(f"{item.path}: {item.wrong}" for _, item in wrong[:3])
        raise ModelError(
            f"The model '{entry.id}' is damaged. {named}{' ...' if len(wrong) > 3 else ''}",
            f"Bring the file anew: 'Repair' in Depthwright's tab, "
            f"or 'depthwright models download {entry.id} --repair'.",
            "\n".join(f"{path}: {item.wrong} (by {item.by})" for path, item in wrong),
        )
    return record


def _import(folder: Path, model: str | None) -> Record:
    if not folder.is_dir():
        raise InputError(f"There is no folder '{folder}'.", "Give the folder with the model's files.")
    wanted = _parts_of(find(model)) if model else list(parts().values())
    roots = [folder, *sorted(path for path in folder.iterdir() if path.is_dir())]
    found, faults = {}, []
    for part in wanted:
        if root := _root_of(part, roots, faults):
            found[part.id] = root
    if not found:
        if faults:
            raise faults[0]
        raise InputError(
            f"No part of {f'the model {model!r}' if model else 'a model'} is in '{folder}'.",
            "Expected are the files as they lie in the repository, there or in folders in it: "
            f"{'; '.join(f'{part.repository} ({part.files[-1].path} ...)' for part in wanted[:4])}.",
        )
    places.note_imports(found)
    return {"imported": {key: str(path) for key, path in found.items()}}


def _parts_of(entry: ModelEntry) -> list[Part]:
    return [part for slot in entry.parts for part in slot.choices]


def _root_of(part: Part, roots: list[Path], faults: list[ModelError]) -> Path | None:
    """The first root with the part, sound as far as a glance shows; why others are not goes to ``faults``."""
    for root in roots:
        lacking = places.missing_files(part, root)
        if part.variants and (root / CONFIG).is_file() and variant_of(root) is None:
            continue  # a config.json of something else
        if len(lacking) == len(places.needed_files(part, root)) or _only_common(part, lacking):
            continue
        try:
            if lacking:
                raise _incomplete(part, root, lacking[0].path, "is missing or of another size")
            if part.variants:
                check_variant(part, root)
            for file in places.needed_files(part, root):
                if file.path.endswith(".safetensors") and (fault := header_fault(root / file.path)):
                    raise _incomplete(part, root, file.path, f"is damaged. {fault}")
            return root
        except ModelError as error:
            faults.append(error)
    return None


def _only_common(part: Part, lacking: tuple) -> bool:
    """Whether what is there are small files alone, as every model has them: then it is not this part."""
    return all(file.path.endswith((".json", ".txt", ".jinja")) for file in part.files if file not in lacking) and any(
        file.path.endswith(".safetensors") for file in lacking
    )


def _incomplete(part: Part, root: Path, path: str, why: str) -> ModelError:
    return ModelError(
        f"{part.label}: '{path}' {why}",
        f"Copy all of {part.repository} there, or download it: 'depthwright models download'.",
        str(root / path),
    )


def _download(entry: ModelEntry, options: Record, report: Report) -> Record:
    if not entry.parts:
        raise InputError(f"The model '{entry.id}' needs no download.", "It is part of Depthwright.")
    chosen = _chosen(entry, options.get("parts") or {})
    strict = [part for part in chosen if not part.license.commercial]
    if strict and not options.get("accepted"):
        raise InputError(
            f"{strict[0].label} is under {strict[0].license.name}: {strict[0].license.forbids}",
            f"Read {strict[0].license.url}; if you agree to it, add --accept-licence.",
        )
    if options.get("repair"):
        for part in chosen:
            _drop_damaged(part, report)
    from .download import download  # here: only this action needs the network's packages

    download(chosen, report)
    return state_of(entry)


def _chosen(entry: ModelEntry, wishes: dict[str, str]) -> list[Part]:
    """One part a slot: the one wished for, else one that is here, else the first."""
    roles = [slot.role for slot in entry.parts]
    if unknown := sorted(set(wishes) - set(roles)):
        raise InputError(f"The model '{entry.id}' has no part '{unknown[0]}'.", f"It has: {', '.join(roles)}.")
    chosen = []
    for slot in entry.parts:
        wish = wishes.get(slot.role)
        fitting = [part for part in slot.choices if wish is None or part.id == wish]
        if not fitting:
            raise InputError(
                f"'{wish}' is no {slot.role.replace('_', ' ')} of '{entry.id}'.",
                f"Choose from: {', '.join(part.id for part in slot.choices)}.",
            )
        chosen.append(next((part for part in fitting if places.find(part)), fitting[0]))
    return chosen


def _drop_damaged(part: Part, report: Report) -> None:
    """Take away what is wrong of a part in a cache; of one that was imported, only the note of it."""
    if (folder := places.find(part)) is None:
        return
    report(f"checking {part.label}", 0, 0)
    read = 0

    def on_bytes(count: int) -> None:
        nonlocal read
        read += count
        report(f"checking {part.label}, MB", read // MB, max(1, part.bytes // MB))

    wrong = [item for item in check_part(part, folder, on_bytes) if item.wrong]
    if wrong and folder == Path(places.imports().get(part.id, "")):
        places.forget_import(part)
        return
    for item in wrong:
        places.remove_from_cache(folder / item.path)
