"""The trainer: it learns, stops and goes on as if it had not, alone and with others."""

from __future__ import annotations

import json
import multiprocessing
import os
import socket
from dataclasses import replace

import numpy as np
import pytest
import torch
from accelerate.state import AcceleratorState, GradientState, PartialState
from accelerate.utils import DistributedType
from depthwright.engine.contract.errors import InputError, ModelError
from depthwright.engine.model.bundle import load_small
from depthwright.engine.model.denoiser import Parametrisation
from depthwright.engine.model.transformer import token_ids
from depthwright.engine.training import train
from depthwright.engine.training.dataset import Batch, ShardSet, write_shard
from depthwright.engine.training.optimizers import lr_factor
from depthwright.engine.training.run_folder import RunFolder
from depthwright.engine.training.samples import depth_pixels, sample_joint
from depthwright.engine.training.sources import InMemory
from depthwright.engine.training.spread import as_sharded, fsdp_plugin, make_accelerator, whole
from depthwright.engine.training.trainer import Settings, Trainer
from depthwright.engine.training.training_recipe import Recipe

SHORT = Settings(steps=6, batch=4, log_s=0, sample_grids=False)


@pytest.fixture(scope="module")
def shards(tmp_path_factory):
    folder = tmp_path_factory.mktemp("shards")
    write_shard(folder / "0.npz", 0, 16, 16)
    return folder


@pytest.fixture(scope="module")
def source(shards):
    return InMemory(ShardSet(shards))


def make_trainer(source, run, settings=SHORT, seed=0) -> Trainer:
    return Trainer(train.small_model("tiny", seed), source, Recipe(), settings, run)


def test_learning_rate_warms_up_holds_and_falls():
    assert lr_factor(0, 0.0, 0.5) < 0.1
    assert lr_factor(1000, 0.4, 0.5) == 1.0
    assert lr_factor(1000, 0.75, 0.5) == pytest.approx(0.5)
    assert lr_factor(1000, 1.0, 0.5) == 0.0


def test_a_run_in_two_slices_is_the_run_in_one(source, tmp_path):
    make_trainer(source, tmp_path / "one").train()
    make_trainer(source, tmp_path / "two", replace(SHORT, slice_steps=3)).train()
    # Another model and another state of chance: all must come from the checkpoint and the step.
    torch.manual_seed(99)
    make_trainer(source, tmp_path / "two", replace(SHORT, slice_steps=3), seed=5).train()
    one, two = (torch.load(tmp_path / run / "checkpoint.pt", weights_only=True) for run in ("one", "two"))
    assert one["step"] == two["step"] == 6
    tensors = [
        torch.utils._pytree.tree_leaves([state[k] for k in ("model", "ema", "optimizers")]) for state in (one, two)
    ]
    assert len(tensors[0]) == len(tensors[1]) > 100
    for a, b in zip(*tensors, strict=True):
        assert torch.equal(a, b) if isinstance(a, torch.Tensor) else a == b


@pytest.mark.slow
def test_a_run_learns_and_leaves_everything_behind(shards, tmp_path):
    run = tmp_path / "run"
    arguments = ["--data", str(shards), "--run", str(run), "--preset", "tiny", "--steps", "40", "--batch", "8"]
    status = train.main([*arguments, "--adam-lr", "3e-3", "--hold", "0.9", "--ema", "0.9", "--log-s", "0"])
    assert status == 0
    lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines] == list(range(1, 41))
    early, late = (np.mean([line["image_loss"] for line in part]) for part in (lines[:10], lines[-10:]))
    assert late < 0.7 * early
    config = json.loads((run / "config.json").read_text())
    assert config["settings"]["steps"] == 40 and config["recipe"]["i2d_share"] == Recipe().i2d_share
    assert config["versions"]["torch"] == torch.__version__
    assert list(run.glob("samples-000040.png")) and list((run / "tensorboard").iterdir())

    model = load_small(run / "model")
    image, depth = sample_joint(model, ["red brick wall"], steps=2, guidance=1.5, seed=0)
    assert image.shape == (1, 3, 16, 16) and depth.shape == (1, 16, 16)
    assert depth_pixels(depth).dtype == np.uint8


def test_the_configuration_is_there_before_the_first_step(source, tmp_path):
    trainer = make_trainer(source, tmp_path)
    assert trainer.step == 0 and json.loads((tmp_path / "config.json").read_text())["vocabulary"]


def test_runs_older_than_the_recipe_go_on(source, tmp_path):
    """Runs begun by earlier versions hold these keys and no others, and their words in the model's folder."""
    first = make_trainer(source, tmp_path)
    first.train()
    (tmp_path / "config.json").unlink()
    state = torch.load(tmp_path / "checkpoint.pt", weights_only=True)
    assert set(state) == {"model", "ema", "optimizers", "step", "samples", "trained_s"}
    words = RunFolder(tmp_path).vocabulary()
    assert words == first.model.vocabulary
    assert make_trainer(source, tmp_path).step == 6


def test_runs_older_than_groups_of_heads_go_on(source, tmp_path):
    make_trainer(source, tmp_path).train()
    config = json.loads((tmp_path / "config.json").read_text())
    assert config["model"]["transformer"].pop("kv_heads") is None
    (tmp_path / "config.json").write_text(json.dumps(config))
    assert make_trainer(source, tmp_path).step == 6


def test_what_does_not_fit_is_refused(source, tmp_path):
    make_trainer(source, tmp_path).train()
    wider = replace(train.PRESETS["tiny"], native_px=32)
    with pytest.raises(ModelError, match="another model"):
        Trainer(train.SmallModel(wider, ["brick"]), source, Recipe(), SHORT, tmp_path)
    sampled_otherwise = replace(train.PRESETS["tiny"], parametrisation=Parametrisation(image_x_prediction=True))
    words = RunFolder(tmp_path).vocabulary()
    assert Trainer(train.SmallModel(sampled_otherwise, words), source, Recipe(), SHORT, tmp_path).step == 6
    (tmp_path / "checkpoint.pt").write_bytes(b"half")
    with pytest.raises(ModelError, match="damaged"):
        make_trainer(source, tmp_path)
    for wrong in ({"steps": None}, {"budget_minutes": 3.0}, {"batch": 0}, {"fsdp": True}):
        with pytest.raises(InputError):
            replace(SHORT, **wrong)


def test_mixed_precision_spares_the_depth_head(source, tmp_path):
    """In bfloat16 its predictions would be steps of 1/256: see the transformer's ``depth_head_dtype``."""
    transformer = make_trainer(source, tmp_path).model.dit.transformer
    seen = {}
    for name in ("final_layer", "depth_final_layer"):
        head = getattr(transformer, name).linear
        head.register_forward_hook(lambda _module, _inputs, out, name=name: seen.update({name: out.dtype}))
    side = 4
    given = {"img": torch.randn(1, side**2, 48), "depth": torch.randn(1, side**2, 16), "ctx": torch.randn(1, 2, 64)}
    levels = {"timesteps": torch.ones(1), "depth_timesteps": torch.ones(1)}
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        transformer(**given, **token_ids(1, 2, (side, side)), **levels)
    assert seen == {"final_layer": torch.bfloat16, "depth_final_layer": torch.float32}


class Sparse:
    """A source whose depth is known at a few pixels, and for some items nowhere."""

    def __init__(self, source: InMemory) -> None:
        self.source, self.size_px = source, source.size_px

    def __len__(self) -> int:
        return len(self.source)

    def draw(self, seed, step, batch, items) -> Batch:
        full = self.source.draw(seed, step, batch, items)
        hidden = [torch.rand(full.depth.shape[1:], generator=torch.Generator().manual_seed(i)) > 0.1 for i in items]
        hidden = torch.stack([pixels | (i % 4 == 3) for pixels, i in zip(hidden, items, strict=True)])
        return Batch(full.image, torch.where(hidden, torch.nan, full.depth), full.captions)


def gradient(trainer: Trainer) -> torch.Tensor:
    # Outputs begin at zero, where most gradients are zero too: look at a model that has weights.
    generator = torch.Generator().manual_seed(3)
    with torch.no_grad():
        for parameter in trainer.model.parameters():
            parameter.add_(as_sharded(0.05 * torch.randn(parameter.shape, generator=generator), parameter))
    trainer.backward(trainer.draw_batch(0))
    return torch.cat([whole(p.grad).flatten() for p in trainer.model.parameters()])


def test_small_portions_add_up_to_the_batch(source, tmp_path):
    settings = replace(SHORT, batch=8)
    at_once = gradient(make_trainer(Sparse(source), tmp_path / "a", settings))
    in_parts = gradient(make_trainer(Sparse(source), tmp_path / "b", replace(settings, micro_batch=3)))
    assert torch.allclose(at_once, in_parts, atol=1e-6 * at_once.abs().max())


def in_process(rank: int, port: int, source, run, fsdp: bool, pipe) -> None:
    for state in (AcceleratorState, GradientState, PartialState):
        state._reset_state()
    os.environ |= {
        "RANK": str(rank), "LOCAL_RANK": str(rank), "WORLD_SIZE": "2", "LOCAL_WORLD_SIZE": "2",
        "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "ACCELERATE_USE_CPU": "true",
    }  # fmt: skip
    torch.set_num_threads(1)
    accelerator = make_accelerator(fsdp)
    if fsdp:  # accelerate itself shards on accelerators only; torch does it anywhere
        accelerator.state.fsdp_plugin, accelerator.state.distributed_type = fsdp_plugin(), DistributedType.FSDP
    # Clocks that differ: only one process finds it time to log, and only one to save.
    times = {"log_s": 0.0, "save_s": 1e9} if rank == 0 else {"log_s": 1e9, "save_s": 0.0}
    settings = replace(SHORT, steps=2, batch=8, fsdp=fsdp, muon_lr=None, **times)
    trainer = Trainer(train.small_model("tiny", 0), Sparse(source), Recipe(), settings, run, accelerator)
    assert trainer.accelerator.num_processes == 2 and len(trainer.items) == 4 and trainer.sharded == fsdp
    own = gradient(trainer)
    trainer.train()
    resumed = Trainer(train.small_model("tiny", 1), Sparse(source), Recipe(), settings, run, accelerator)
    again = all(torch.equal(whole(a), whole(b)) for a, b in zip(weights(trainer), weights(resumed), strict=True))
    pipe.send((own.numpy(), resumed.step, again))
    torch.distributed.destroy_process_group()


def weights(trainer: Trainer) -> list[torch.Tensor]:
    return [*trainer.model.parameters(), *trainer.average.values.values()]


@pytest.mark.slow
@pytest.mark.parametrize("fsdp", [False, True], ids=["every process has all", "sharded"])
def test_two_processes_compute_the_gradient_of_one(source, tmp_path, fsdp):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    context = multiprocessing.get_context("fork")
    ends = [context.Pipe(duplex=False) for _ in range(2)]
    processes = [
        context.Process(target=in_process, args=(rank, port, source, tmp_path / "two", fsdp, ends[rank][1]))
        for rank in (0, 1)
    ]
    for process in processes:
        process.start()
    received = [end.recv() if end.poll(60) else None for end, _ in ends]
    for process in processes:
        process.join(30)
    assert [process.exitcode for process in processes] == [0, 0]
    alone = gradient(make_trainer(Sparse(source), tmp_path / "one", replace(SHORT, batch=8)))
    for theirs, steps, same_after_resuming in received:
        assert np.abs(theirs - alone.numpy()).max() < 1e-5 * alone.abs().max()
        assert steps == 2 and same_after_resuming
    assert load_small(tmp_path / "two" / "model").config == train.PRESETS["tiny"]
