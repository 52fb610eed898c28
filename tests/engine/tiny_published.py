"""A checkpoint folder with the published names and layout, random and tiny.

``python tiny_published.py FOLDER`` writes one for 'depthwright models import'.
"""

from __future__ import annotations

import json
import shutil
import sys
from dataclasses import replace
from pathlib import Path

import torch
from depthwright.engine import catalog
from depthwright.engine.contract.request import Request
from depthwright.engine.model.block_float8 import FLOAT8, SCALE
from depthwright.engine.model.transformer import Transformer, TransformerConfig
from safetensors.torch import load_file, save_file
from transformers import Qwen2Tokenizer, Qwen3Config, Qwen3ForCausalLM

GOLDEN = Path(__file__).parents[1] / "golden"
VARIANT = "flux_rgbd_9b_v2"
#: What differs from the variant. The autoencoder's weights are those of the golden vectors.
SMALLER = {
    "native_px": 32,
    "transformer": {
        "in_channels": 16,
        "depth_channels": 16,
        "context_in_dim": 48,
        "hidden_size": 32,
        "num_heads": 2,
        "depth_double": 1,
        "depth_single": 2,
        "depth_decoder_num_layers": 1,
        "axes_dim": [4, 4, 4, 4],
    },
    "image_codec": {"ch": 32, "ch_mult": [1, 2], "num_res_blocks": 2, "z_channels": 4},
    "depth_codec": {"patch_size": 4},
}
SPECIAL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>", "<think>", "</think>"]
#: What Qwen3's template does with one message of a user.
TEMPLATE = (
    "{%- for message in messages %}"
    "{{- '<|im_start|>' + message.role + '\\n' + message.content + '<|im_end|>' + '\\n' }}"
    "{%- endfor %}{%- if add_generation_prompt %}{{- '<|im_start|>assistant\\n' }}"
    "{%- if enable_thinking is defined and enable_thinking is false %}{{- '<think>\\n\\n</think>\\n\\n' }}{%- endif %}"
    "{%- endif %}"
)
BLOCK = (8, 8)  # of weights that share a scale: 128 x 128 in the published FP8 build


def entry_of(folder: Path) -> catalog.ModelEntry:
    """The catalogue's published model, led to this folder."""
    return replace(catalog.find("modality_forcing"), folder=str(folder))


def asked(**changes) -> Request:
    """A small request for it."""
    fields = {
        "model": "modality_forcing",
        "prompt": "red brick wall",
        "target": "scene",
        "steps": 2,
        "precision": "float32",
    }
    return catalog.resolve(Request(**(fields | {"width_px": 32, "height_px": 32, "refine_depth": False} | changes)))


QUICK = {"output_layers": [1, 2, 3]}  # where the published layers do not matter: a tenth of the language model


def write(folder: Path, text: dict | None = None) -> Path:
    """The whole folder; returns it. text: the entry of config.json, None as published."""
    folder.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(0)
    config = TransformerConfig.from_dict({**SMALLER["transformer"], "cross_stream_timestep_mixing": True})
    weights = {name: 0.3 * torch.randn(t.shape) / max(1, t.shape[-1]) ** 0.5 for name, t in empty(config).items()}
    weights |= {name: 1 + w for name, w in weights.items() if name.endswith(".scale")}
    save_file({f"dit.{name}": w.bfloat16() for name, w in weights.items()}, folder / "model.safetensors")
    (folder / "config.json").write_text(json.dumps({"variant": VARIANT, **SMALLER, **({"text": text} if text else {})}))
    for half in ("encoder", "decoder"):
        golden = load_file(GOLDEN / f"ae_{half}.safetensors")
        published = {name.removeprefix("weights."): t for name, t in golden.items() if name.startswith("weights.")}
        save_file(published, folder / f"ae_{half}.safetensors")
    write_text_encoder(folder / "text_encoder", layers=5 if text else 29)
    return folder


def empty(config: TransformerConfig) -> dict[str, torch.Tensor]:
    """The transformer's tensors, without memory."""
    with torch.device("meta"):
        return Transformer(config).state_dict()


def write_text_encoder(folder: Path, hidden: int = 16, layers: int = 5) -> None:
    """Qwen3 in two pieces, with more layers than are used, and a byte-level tokenizer."""
    tokenizer().save_pretrained(folder)
    config = Qwen3Config(
        vocab_size=512,
        hidden_size=hidden,
        intermediate_size=24,
        num_hidden_layers=layers,
        num_attention_heads=2,
        num_key_value_heads=1,
        head_dim=8,
    )
    config.save_pretrained(folder)
    state = {name: t.clone().bfloat16() for name, t in Qwen3ForCausalLM(config).state_dict().items()}
    write_pieces(folder, state)


def write_pieces(folder: Path, state: dict[str, torch.Tensor]) -> None:
    names = sorted(state)
    pieces = {f"model-0000{i + 1}-of-00002.safetensors": names[i::2] for i in range(2)}
    for file, held in pieces.items():
        save_file({name: state[name] for name in held}, folder / file)
    weight_map = {name: file for file, held in pieces.items() for name in held}
    (folder / "model.safetensors.index.json").write_text(
        json.dumps({"metadata": {"total_size": 0}, "weight_map": weight_map})
    )


def byte_letters() -> list[str]:
    """A printable letter for each byte, as byte-level tokenizers have them."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    return [chr(byte) for byte in printable] + [chr(256 + i) for i in range(256 - len(printable))]


def tokenizer() -> Qwen2Tokenizer:
    """Bytes, a few merges, the special tokens and the template."""
    merges = [("b", "r"), ("br", "i"), ("bri", "c"), ("bric", "k"), ("w", "a"), ("l", "l"), ("wa", "ll")]
    words = [*byte_letters(), *("".join(pair) for pair in merges)]
    made = Qwen2Tokenizer(vocab={word: i for i, word in enumerate(words)}, merges=merges)
    made.add_special_tokens({"additional_special_tokens": SPECIAL[1:]})
    made.pad_token = SPECIAL[0]
    made.chat_template = TEMPLATE
    return made


def write_float8(source: Path, folder: Path) -> None:
    """The FP8 build of a text encoder: every linear layer but the head in blocks with scales."""
    config = Qwen3Config.from_pretrained(source)
    config.quantization_config = {
        "quant_method": "fp8",
        "fmt": "e4m3",
        "activation_scheme": "dynamic",
        "weight_block_size": list(BLOCK),
    }
    tokenizer().save_pretrained(folder)
    config.save_pretrained(folder)
    state: dict[str, torch.Tensor] = {}
    for file in sorted(source.glob("*.safetensors")):
        for name, weight in load_file(file).items():
            if name.endswith("proj.weight"):
                scale = block_scales(weight.float())
                spread = scale.repeat_interleave(BLOCK[0], 0).repeat_interleave(BLOCK[1], 1)
                state[name] = (weight.float() / spread[: weight.shape[0], : weight.shape[1]]).to(FLOAT8)
                state[name.replace("weight", SCALE)] = scale.bfloat16()
            else:
                state[name] = weight
    write_pieces(folder, state)


def block_scales(weight: torch.Tensor) -> torch.Tensor:
    """(out, in) -> a bfloat16-exact scale for each block: its largest weight becomes float8's largest."""
    rows, columns = (-(-side // block) for side, block in zip(weight.shape, BLOCK, strict=True))
    padded = torch.zeros(rows * BLOCK[0], columns * BLOCK[1])
    padded[: weight.shape[0], : weight.shape[1]] = weight.abs()
    largest = padded.unflatten(0, (rows, BLOCK[0])).unflatten(2, (columns, BLOCK[1])).amax(dim=(1, 3))
    return (1.01 * largest / torch.finfo(FLOAT8).max).clamp(min=1e-8).bfloat16().float()


def write_importable(folder: Path) -> None:
    """As 'depthwright models import' expects it: the FP8 text encoder, whose files' sizes the catalogue leaves open."""
    write(folder)
    whole, text = folder / "whole", folder / "text_encoder"
    text.rename(whole)
    write_float8(whole, text)
    shutil.rmtree(whole)
    model = json.loads((text / "tokenizer.json").read_text())["model"]
    (text / "vocab.json").write_text(json.dumps(model["vocab"]))
    (text / "merges.txt").write_text("".join(f"{' '.join(pair)}\n" for pair in model["merges"]))


if __name__ == "__main__":
    write_importable(Path(sys.argv[1]))
