"""Models on this computer: the catalogue's own sense, what is found where, what a check sees, imports."""

from __future__ import annotations

import inspect
import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch
import transformers
from depthwright.engine import catalog
from depthwright.engine.catalog import parts, places, verify
from depthwright.engine.client.environment import worker_env
from depthwright.engine.contract.errors import InputError, ModelError
from depthwright.engine.model.text_encoder import Qwen3Encoder, _LazyTensors
from depthwright.engine.worker.pipeline import BACKENDS
from depthwright.tests.hub import tiny
from depthwright.tests.hub.server import safetensors
from depthwright.tests.hub.tiny import perform


def lay_out(folder: Path, repository: str = "", contents: dict[str, bytes] | None = None) -> Path:
    """Write the hub's files of one repository into a folder."""
    for key, content in (contents or tiny.files()).items():
        owner, name, *rest = key.split("/")
        if f"{owner}/{name}" == (repository or tiny.REPOSITORY):
            path = folder / "/".join(rest)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
    return folder


def in_cache(cache: Path, repository: str, commit: str = "1" * 40, branch: str | None = "main") -> Path:
    """As another program has downloaded it, on a system without links."""
    base = cache / f"models--{repository.replace('/', '--')}"
    if branch:
        (base / "refs").mkdir(parents=True, exist_ok=True)
        (base / "refs" / branch).write_text(commit)
    return lay_out(base / "snapshots" / commit, repository)


class TestCatalogue:
    """The product's own models.json."""

    def test_every_model_can_be_run_and_has_its_licence(self):
        for entry in catalog.models():
            assert entry.backend in BACKENDS
            assert bool(entry.license_note) == (not entry.commercial), entry.id
            if entry.parts:
                assert all(license.name in entry.license for license in entry.licenses[:1])
                assert entry.needs.packages and entry.download_bytes > 1e8
                assert not entry.folder

    def test_every_part_is_of_use_and_well_described(self):
        used = {part.id for entry in catalog.models() for slot in entry.parts for part in slot.choices}
        assert used == set(parts.parts())
        for part in parts.parts().values():
            assert part.repository.count("/") == 1 and len({file.path for file in part.files}) == len(part.files)
            assert part.license.url.startswith("https://") and (part.license.commercial or part.license.forbids)
            for file in part.files:
                assert file.sha256 is None or len(file.sha256) == 64
                assert file.bytes > 0 or not file.path.endswith(".safetensors"), "how much there is to download"

    def test_the_published_model_says_what_it_forbids(self):
        entry = catalog.find("modality_forcing")
        assert not entry.commercial and "commercial" in entry.license_note
        assert entry.slot("transformer").choices[0].repository == "bartduis/modality_forcing"
        assert [part.id for part in entry.slot("text_encoder").choices] == ["qwen3-8b", "qwen3-8b-fp8"]
        # bfloat16 of the layout's 11 986 285 570 parameters
        assert entry.slot("transformer").choices[0].bytes == 2 * 11_986_285_570


@pytest.mark.usefixtures("bare_home")
class TestPlaces:
    def test_nothing_is_here(self):
        (state,) = perform("list", {})["models"]
        assert not state["ready"] and state["present_bytes"] == 0
        with pytest.raises(ModelError, match="its transformer is missing") as caught:
            places.folder_of(catalog.find("tiny"), "transformer")
        assert "models download tiny" in caught.value.remedy and tiny.REPOSITORY in caught.value.detail

    def test_the_hugging_face_cache_is_where_its_variables_say(self, bare_home, monkeypatch):
        assert places.hub_cache() == bare_home.cache
        monkeypatch.delenv("HF_HOME")
        monkeypatch.setenv("XDG_CACHE_HOME", "/x")
        assert places.hub_cache() == Path("/x/huggingface/hub")
        monkeypatch.setenv("HF_HUB_CACHE", "/y")
        assert places.hub_cache() == Path("/y")

    @pytest.mark.parametrize("variables", [{}, {"HF_HOME": "/h"}, {"HF_HUB_CACHE": "/c"}, {"XDG_CACHE_HOME": "/x"}])
    def test_and_huggingface_hub_thinks_so_too(self, variables):
        names = ("HF_HOME", "HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "XDG_CACHE_HOME")
        env = {key: value for key, value in os.environ.items() if key not in names} | variables
        code = "import sys; from huggingface_hub import constants; from depthwright.engine.catalog import places\n"
        code += "sys.exit(str(places.hub_cache()) != constants.HF_HUB_CACHE)"
        assert subprocess.run([sys.executable, "-c", code], env=env, timeout=60).returncode == 0

    @pytest.mark.parametrize("branch", ["main", None])
    def test_what_another_program_downloaded_is_found(self, bare_home, branch):
        folder = in_cache(bare_home.cache, tiny.REPOSITORY, branch=branch)
        assert places.folder_of(catalog.find("tiny"), "transformer")[1] == folder
        (folder / "model.safetensors").unlink()
        with pytest.raises(ModelError, match="missing") as caught:
            places.folder_of(catalog.find("tiny"), "transformer")
        assert "model.safetensors" in caught.value.detail

    def test_the_own_folder_comes_before_the_cache(self, bare_home, monkeypatch):
        in_cache(bare_home.cache, tiny.REPOSITORY)
        monkeypatch.setenv(places.MODELS_VARIABLE, str(bare_home.root / "own"))
        own = in_cache(bare_home.root / "own", tiny.REPOSITORY)
        assert places.folder_of(catalog.find("tiny"), "transformer")[1] == own

    def test_the_second_choice_where_the_first_is_not_here(self, bare_home):
        folder = in_cache(bare_home.cache, f"{tiny.TEXT}-8bit")
        part, found = places.folder_of(catalog.find("tiny"), "text_encoder")
        assert part.id == "text-8bit" and found == folder
        in_cache(bare_home.cache, tiny.TEXT)
        assert places.folder_of(catalog.find("tiny"), "text_encoder")[0].id == "text"

    def test_a_damaged_note_of_imports_counts_as_none(self, bare_home):
        (bare_home.root / "data").mkdir()
        (bare_home.root / "data" / places.IMPORTS_FILE).write_text("{half")
        assert places.imports() == {}


@pytest.mark.usefixtures("bare_home")
class TestImport:
    def test_a_folder_is_used_where_it_is(self, bare_home):
        folder = lay_out(bare_home.root / "mine")
        assert perform("import", {"folder": str(folder)}) == {"imported": {"tiny-net": str(folder)}}
        assert places.folder_of(catalog.find("tiny"), "transformer")[1] == folder
        assert not bare_home.cache.exists(), "no second copy"

    def test_a_folder_of_repositories(self, bare_home):
        for repository in (tiny.REPOSITORY, tiny.TEXT, f"{tiny.TEXT}-8bit"):
            lay_out(bare_home.root / "models" / repository.partition("/")[2], repository)
        found = perform("import", {"folder": str(bare_home.root / "models"), "model": "tiny"})["imported"]
        assert set(found) == {"tiny-net", "text", "text-8bit"}
        assert perform("list", {"model": "tiny"})["models"][0]["ready"]

    def test_an_unknown_variant(self, bare_home):
        contents = tiny.files() | {f"{tiny.REPOSITORY}/config.json": b'{"variant": "tiny_v9"}'}
        folder = lay_out(bare_home.root / "mine", contents=contents)
        with pytest.raises(ModelError, match=r"'tiny_v9' is not known\. Use a checkpoint of one of these: tiny_v1"):
            perform("import", {"folder": str(folder)})
        assert places.imports() == {}

    def test_a_missing_file(self, bare_home):
        folder = lay_out(bare_home.root / "mine", tiny.TEXT)
        (folder / "config.json").unlink()
        with pytest.raises(ModelError, match=r"'config\.json' is missing"):
            perform("import", {"folder": str(folder)})

    def test_a_file_that_was_cut(self, bare_home):
        folder = lay_out(bare_home.root / "mine")
        whole = (folder / "model.safetensors").read_bytes()
        (folder / "model.safetensors").write_bytes(whole[:-100])
        with pytest.raises(ModelError, match=r"'model\.safetensors' is damaged\. It is cut short: 29,900 bytes"):
            perform("import", {"folder": str(folder)})

    def test_another_model_s_folder(self, bare_home):
        """A config.json and a model.safetensors is what half the world's models have."""
        contents = {f"{tiny.REPOSITORY}/config.json": b'{"model_type": "bert"}'}
        folder = lay_out(bare_home.root / "bert", contents=tiny.files() | contents)
        with pytest.raises(InputError, match="No part of the model 'tiny'") as caught:
            perform("import", {"folder": str(folder), "model": "tiny"})
        assert tiny.REPOSITORY in caught.value.remedy

    def test_no_folder(self, bare_home):
        with pytest.raises(InputError, match="There is no folder"):
            perform("import", {"folder": str(bare_home.root / "nowhere")})
        with pytest.raises(InputError, match="There is no model 'huge'"):
            perform("import", {"folder": str(bare_home.root), "model": "huge"})

    def test_a_folder_that_went_away_is_looked_for_elsewhere(self, bare_home):
        folder = lay_out(bare_home.root / "mine")
        perform("import", {"folder": str(folder)})
        folder.rename(bare_home.root / "moved")
        cached = in_cache(bare_home.cache, tiny.REPOSITORY)
        assert places.folder_of(catalog.find("tiny"), "transformer")[1] == cached


@pytest.mark.usefixtures("bare_home")
class TestVerify:
    def test_by_what_each_file_was_checked(self, bare_home):
        in_cache(bare_home.cache, tiny.REPOSITORY)
        in_cache(bare_home.cache, tiny.TEXT)
        said = []
        record = perform("verify", {"model": "tiny"}, said)
        assert {item["by"] for slot in record["parts"] for item in slot["findings"]} == {"header"}, "no hash is known"
        assert said

    def test_a_hash_of_the_catalogue(self, bare_home, monkeypatch):
        folder = in_cache(bare_home.cache, tiny.REPOSITORY)
        content = (folder / "model.safetensors").read_bytes()
        sound = verify.content_hash(folder / "model.safetensors", "0" * 64)
        tiny.use(monkeypatch, bare_home.root, {"model.safetensors": (len(content), sound)})
        part = catalog.find("tiny").slot("transformer").choices[0]
        assert verify.check_part(part, folder)[1] == verify.Finding("model.safetensors", "hash")
        (folder / "model.safetensors").write_bytes(content[:-1] + b"?")
        assert verify.check_part(part, folder)[1].wrong == "Its content is not what was published."
        (folder / "model.safetensors").write_bytes(content[:-1])
        assert verify.check_part(part, folder)[1].by == "size"

    def test_a_missing_part(self, bare_home):
        in_cache(bare_home.cache, tiny.REPOSITORY)
        with pytest.raises(ModelError, match="its text encoder is missing"):
            perform("verify", {"model": "tiny"})

    def test_an_unknown_variant(self, bare_home):
        in_cache(bare_home.cache, tiny.TEXT)
        folder = in_cache(bare_home.cache, tiny.REPOSITORY)
        (folder / "config.json").write_text('{"variant": "tiny_v9"}')
        with pytest.raises(ModelError, match="The variant 'tiny_v9' is not known"):
            perform("verify", {"model": "tiny"})

    @pytest.mark.parametrize(
        ("content", "wrong"),
        [
            (b"", "no safetensors file"),
            (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "no safetensors file"),
            (b"<html>" * 50, "no safetensors file"),
            ((20).to_bytes(8, "little") + b"x" * 20, "header cannot be read"),
            ((2).to_bytes(8, "little") + b"[]", "header cannot be read"),
            (safetensors(50) + b"more", "cut short|instead of"),
            (safetensors(50)[:-1], "cut short"),
            (safetensors(50).replace(b"[0, 50]", b"[9, 50]"), "one after the other"),
        ],
    )
    def test_what_a_header_gives_away(self, tmp_path, content, wrong):
        import re

        (tmp_path / "x.safetensors").write_bytes(content)
        assert re.search(wrong, verify.header_fault(tmp_path / "x.safetensors"))


class TestCommandLine:
    """``python -m engine models``, without Blender."""

    def run(self, *words, home, status=0):
        env = worker_env() | {"HF_HOME": str(home / "hf"), places.DATA_VARIABLE: str(home / "data")}
        command = [sys.executable, "-P", "-m", "engine", "models", *map(str, words)]
        done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=60)
        assert done.returncode == status, done.stderr
        return done

    def test_list(self, tmp_path):
        lines = self.run(home=tmp_path).stdout.splitlines()
        assert [line.split()[0] for line in lines] == [entry.id for entry in catalog.models()]
        published = next(line for line in lines if line.startswith("modality_forcing"))
        assert "to download: 40.7 GB" in published and "CC BY-NC 4.0" in published
        record = json.loads(self.run("list", "--json", home=tmp_path).stdout)
        assert record == json.loads(self.run("--json", "list", home=tmp_path).stdout)
        assert [model["ready"] for model in record["models"]][:2] == [True, True]
        assert not any(model["lacking_packages"] for model in record["models"])

    def test_where_and_refusals(self, tmp_path):
        shipped = self.run("where", "builtin", home=tmp_path).stdout.strip()
        assert Path(shipped, "model.safetensors").is_file()
        assert "transformer: not here" in self.run("where", "modality_forcing", home=tmp_path).stdout
        refused = self.run("download", "modality_forcing", home=tmp_path, status=2).stderr
        assert "CC BY-NC 4.0 forbids: Commercial use" in refused and "--accept-licence" in refused
        assert "There is no model 'x'" in self.run("verify", "x", home=tmp_path, status=2).stderr
        assert "is missing" in self.run("verify", "modality_forcing", home=tmp_path, status=1).stderr


def test_the_header_of_a_sound_file():
    """Written by the safetensors package itself."""
    assert verify.header_fault(catalog.find("builtin").checkpoint_dir / "model.safetensors") == ""


def test_a_licence_note_for_what_may_not_be_sold():
    """The panel shows the note beside Generate: a model must not come into the catalogue without it."""
    entry = catalog.find("modality_forcing")
    free = tuple(replace(slot, choices=slot.choices[-1:]) for slot in entry.parts[1:])
    assert replace(entry, parts=free).commercial and not entry.commercial


def test_what_the_catalogue_leaves_out_the_text_encoder_does_not_read(tmp_path):
    """A sharded Qwen3 without the files that hold later layers and the head alone: the same states, bit by bit."""
    torch.manual_seed(0)
    sizes = {"vocab_size": 64, "hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 6, "head_dim": 8}
    heads = {"num_attention_heads": 4, "num_key_value_heads": 2, "tie_word_embeddings": False}
    model = transformers.Qwen3ForCausalLM(transformers.Qwen3Config(**sizes, **heads))
    model.save_pretrained(tmp_path, max_shard_size="12KB")
    paths = [places.INDEX, *sorted(path.name for path in tmp_path.glob("*.safetensors"))]
    part = replace(parts.parts()["qwen3-8b"], files=tuple(map(parts.File, paths)), layers=3)
    needed = {file.path for file in places.needed_files(part, tmp_path)}
    assert len(needed) < 0.6 * len(paths)
    for path in set(paths) - needed:
        (tmp_path / path).unlink()
    encoder = Qwen3Encoder.from_tensors(model.config, _LazyTensors(tmp_path), output_layers=(1, 2, 3), max_tokens=8)
    ids = torch.arange(8)[None]
    with torch.no_grad():
        states = model(input_ids=ids, output_hidden_states=True).hidden_states
    assert torch.equal(encoder.hidden_stack(ids, torch.ones_like(ids)), torch.cat(states[1:4], dim=-1))


def test_the_layers_that_are_read_are_the_text_encoder_s():
    output_layers = inspect.signature(Qwen3Encoder.__init__).parameters["output_layers"].default
    for part in catalog.find("modality_forcing").slot("text_encoder").choices:
        assert part.layers == max(output_layers)
