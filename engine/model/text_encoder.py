"""Prompts as text tokens: a word list for the small model, Qwen3's hidden states for the released one.

Both encoders take prompts and give (B, L, channels) with one L for all; the empty prompt's tokens are what
classifier-free guidance calls unconditional. Padding is part of the result: the transformer attends to it.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import torch
from safetensors import SafetensorError, safe_open
from torch import nn

from ..catalog.plans import Precision
from ..contract import outside
from ..contract.errors import EngineError, EnvironmentMissing, ModelError
from .block_float8 import FLOAT8, SCALE, BlockFloat8Linear, dequantised, use_float8
from .checkpoint import assign_quantised, check_fits
from .limits import MAX_BLOCKS, MAX_CHANNELS

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase, Qwen3Config

#: prompt -> (words the model could know, in order and spelled its way; words it cannot)
CanonicalWords = Callable[[str], tuple[list[str], list[str]]]

BLOCKS = ("layers.",)  # names in the language model that belong to its blocks: what is quantised and streamed
PAD, NULL, UNKNOWN = 0, 1, 2  # ids of WordEncoder that are no words; the vocabulary follows
FIRST_WORD = 3


class TextEncoder(Protocol):
    def encode(self, prompts: Sequence[str]) -> torch.Tensor:
        """B prompts -> (B, L, channels) tokens."""
        ...

    def unknown_words(self, prompt: str) -> tuple[str, ...]:
        """Words of the prompt that cannot influence the result, in their order: to be told to the user."""
        ...

    def notes(self, prompt: str) -> tuple[str, ...]:
        """What else the user should know of how the prompt was read. After encode()."""
        ...


class WordEncoder(nn.Module):
    """A learned vector for each word of a closed vocabulary.

    vocabulary        the words the model was trained with; their order is part of the checkpoint
    dim               channels of a token
    max_words         L; further words are dropped, and reported as unknown
    canonical_words   splits a prompt and brings synonyms to the vocabulary's spelling
    """

    def __init__(
        self, vocabulary: Sequence[str], dim: int, canonical_words: CanonicalWords, max_words: int = 16
    ) -> None:
        super().__init__()
        self.channels = dim
        self.max_words = max_words
        self.tokens = nn.Embedding(FIRST_WORD + len(vocabulary), dim, padding_idx=PAD)
        self._id_of = {word: FIRST_WORD + index for index, word in enumerate(vocabulary)}
        self._canonical_words = canonical_words

    def ids(self, prompts: Sequence[str]) -> torch.Tensor:
        """B prompts -> (B, max_words) int64 on the CPU. No words: NULL. Words, but none of them known: UNKNOWN."""
        rows = []
        for prompt in prompts:
            known, unknown = self._split(prompt)
            row = [self._id_of[word] for word in known] or [UNKNOWN if unknown else NULL]
            rows.append(row + [PAD] * (self.max_words - len(row)))
        return torch.tensor(rows, dtype=torch.int64)

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        """(B, L) ids -> (B, L, dim)."""
        return self.tokens(ids)

    def encode(self, prompts: Sequence[str]) -> torch.Tensor:
        return self(self.ids(prompts).to(self.tokens.weight.device))

    def unknown_words(self, prompt: str) -> tuple[str, ...]:
        return tuple(self._split(prompt)[1])

    def notes(self, prompt: str) -> tuple[str, ...]:
        canonical = self._canonical_words(prompt)[0]
        known = [word for word in canonical if word in self._id_of]
        return cut_note(len(known), self.max_words, "words")

    def _split(self, prompt: str) -> tuple[list[str], list[str]]:
        """Words that become tokens, and words that do not: not understood, not in this checkpoint, or one too many."""
        canonical, unknown = self._canonical_words(prompt)
        known = [word for word in canonical if word in self._id_of]
        absent = [word for word in canonical if word not in self._id_of]
        return known[: self.max_words], unknown + absent + known[self.max_words :]


def cut_note(count: int, most: int, what: str) -> tuple[str, ...]:
    """What to say of a prompt of so many words or tokens that a model reads."""
    return (f"The prompt has {count} {what}, of which the model reads the first {most}.",) if count > most else ()


class Qwen3Encoder(nn.Module):
    """Hidden states of a Qwen3 language model, as FLUX.2 klein uses them.

    The states after ``output_layers`` (0: the embeddings) are concatenated along the channels. Layers above the last
    of them, the language head and, unless it is the model's very last, the final norm have no part in it and are
    neither built nor read: a quarter of the 8B model.
    """

    def __init__(
        self,
        config: Qwen3Config,
        tokenizer: PreTrainedTokenizerBase | None = None,
        output_layers: Sequence[int] = (9, 18, 27),
        max_tokens: int = 512,
    ) -> None:
        """config  of the full model; tokenizer may be None where only ``hidden_stack`` is used."""
        super().__init__()
        if not 0 <= min(output_layers) <= max(output_layers) <= config.num_hidden_layers:
            raise ValueError(f"output_layers {tuple(output_layers)} of a model with {config.num_hidden_layers} layers")
        self.output_layers = tuple(output_layers)
        self.channels = len(self.output_layers) * config.hidden_size
        self.max_tokens = max_tokens
        self.tokenizer = tokenizer

        needed = copy.deepcopy(config)
        needed.num_hidden_layers = max(1, *output_layers)  # transformers returns no states from a model without layers
        assert config.layer_types is not None  # Qwen3Config fills it in where it is not given
        needed.layer_types = config.layer_types[: needed.num_hidden_layers]
        self.model = _transformers().Qwen3Model(needed)
        if needed.num_hidden_layers < config.num_hidden_layers:
            # transformers norms the last state it returns; in the full model this one is an inner, un-normed state.
            self.model.set_submodule("norm", nn.Identity())

    @classmethod
    def load(
        cls,
        folder: Path,
        *,
        device: torch.device | str = "cpu",
        dtype: torch.dtype | None = None,
        **settings: Any,
    ) -> Qwen3Encoder:
        """From a folder as Hugging Face has it: config.json, the tokenizer's files, safetensors in one or more pieces.

        settings  as for ``from_tensors``. Raises ModelError for a missing or damaged file, a tokenizer without a chat
        template, or weights that do not fit the config; EnvironmentMissing where transformers is not installed.
        """
        transformers = _transformers()
        with _readable(folder):
            config = _config(folder)
            tokenizer = transformers.AutoTokenizer.from_pretrained(
                folder, local_files_only=True, trust_remote_code=False
            )
            _check_template(tokenizer.chat_template)
        if not tokenizer.chat_template:
            raise ModelError(
                "The text encoder's tokenizer has no chat template, with which the model reads prompts.",
                "Download the text encoder again, with tokenizer_config.json and chat_template.jinja.",
                str(folder),
            )
        encoder = cls.from_tensors(config, _LazyTensors(folder), device=device, dtype=dtype, **settings)
        encoder.tokenizer = tokenizer
        return encoder

    @classmethod
    def without_weights(cls, folder: Path, output_layers: Sequence[int] = (9, 18, 27)) -> Qwen3Encoder:
        """What its config.json describes, on the meta device: to be counted. ModelError where there is none."""
        with _readable(folder):
            config = _config(folder)
        with torch.device("meta"):
            return cls(config, output_layers=output_layers)

    @classmethod
    def from_tensors(
        cls,
        config: Qwen3Config,
        tensors: Mapping[str, torch.Tensor],
        *,
        device: torch.device | str = "cpu",
        dtype: torch.dtype | None = None,
        keep_float8: bool = True,
        precision: Precision = "bfloat16",
        on_tensor: Callable[[int, int], None] = lambda done, of: None,
        **settings: Any,
    ) -> Qwen3Encoder:
        """From the tensors of a Qwen3ForCausalLM, of which only those needed are touched.

        dtype        of weights and activations; None: as the tensors are
        keep_float8  float8 weights with block scales (the FP8 build) stay so; else they become ``dtype``
        precision    int8, float8 or nf4: the layers' weights are kept so, but for those of the FP8 build
        on_tensor    told how many are read, before each; may raise to stop
        settings     output_layers, max_tokens
        ModelError names what is missing, misshapen, of a type that no weight has, or in no Qwen3 model of this config.
        """
        transformers = _transformers()
        with torch.device("meta"):
            encoder = cls(config, **settings)
            complete = transformers.Qwen3ForCausalLM(config)
            scaled = {name.removesuffix(f".{SCALE}") for name in tensors if name.endswith(f".{SCALE}")}
            linear = {name for name, module in complete.named_modules() if isinstance(module, nn.Linear)}
            use_float8(complete, scaled & linear, _block(config))
            inner = {name.removeprefix("model.") for name in scaled & linear if name.startswith("model.")}
            use_float8(encoder.model, inner & {name for name, _ in encoder.model.named_modules()}, _block(config))
        complete = complete.state_dict()
        needed = [f"model.{name}" for name in encoder.model.state_dict()]
        check_fits({name: complete[name].shape for name in needed}, _shapes(tensors, needed, complete), "text encoder")

        done = iter(range(len(needed)))

        def placed(inner: str) -> torch.Tensor:
            on_tensor(next(done), len(needed))
            name = f"model.{inner}"
            tensor = _weight(name, tensors[name], f"{name}_scale_inv" in complete)
            return tensor.to(device, None if tensor.dtype == FLOAT8 else dtype)

        shapes = {name.removeprefix("model."): complete[name].shape for name in needed}
        assign_quantised(encoder.model, shapes, placed, precision, BLOCKS, "text encoder")
        if not keep_float8:
            _unpack(encoder.model, dtype)
        # The rotary frequencies are no weights: on the meta device they were not computed.
        encoder.model.rotary_emb = type(encoder.model.rotary_emb)(encoder.model.config).to(device)
        return encoder.eval().requires_grad_(False)

    @torch.no_grad()
    def encode(self, prompts: Sequence[str]) -> torch.Tensor:
        """B prompts -> (B, max_tokens, channels). Longer prompts are cut."""
        return self.hidden_stack(*self.tokenise(prompts))

    def unknown_words(self, prompt: str) -> tuple[str, ...]:
        return ()  # every string is tokens to a language model

    def notes(self, prompt: str) -> tuple[str, ...]:
        if self.tokenizer is None:
            return ()
        return cut_note(len(self.tokenizer(self._as_chat(prompt)).input_ids), self.max_tokens, "tokens")

    def tokenise(self, prompts: Sequence[str]) -> tuple[torch.Tensor, torch.Tensor]:
        """B prompts -> ids and attention mask, (B, max_tokens) int64: as a user's chat message, padded on the right.

        Padded by hand because the side is a setting of the tokenizer, and the released model saw only this one.
        """
        if self.tokenizer is None:
            raise ValueError("this text encoder was made without a tokenizer")
        pad = self.tokenizer.pad_token_id
        ids = torch.full((len(prompts), self.max_tokens), pad if isinstance(pad, int) else 0, dtype=torch.int64)
        mask = torch.zeros_like(ids)
        for row, prompt in enumerate(prompts):
            tokens = self.tokenizer(self._as_chat(prompt)).input_ids[: self.max_tokens]
            ids[row, : len(tokens)] = torch.tensor(tokens)
            mask[row, : len(tokens)] = 1
        return ids, mask

    @torch.no_grad()
    def hidden_stack(self, ids: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """(B, L) ids and mask -> (B, L, channels): the states of the first output layer, then of the second, ..."""
        device = self.model.embed_tokens.weight.device
        states = self.model(
            input_ids=ids.to(device), attention_mask=mask.to(device), output_hidden_states=True, use_cache=False
        ).hidden_states
        return torch.cat([states[layer] for layer in self.output_layers], dim=-1)

    def _as_chat(self, prompt: str) -> str:
        """The prompt as a user's message, by the tokenizer's template. ModelError where that is damaged."""
        assert self.tokenizer is not None  # who calls has asked
        try:
            text = self.tokenizer.apply_chat_template(
                [{"role": "user", "content": prompt}],
                tokenize=False,
                add_generation_prompt=True,
                enable_thinking=False,
            )
        except Exception as error:  # whatever a template may raise
            raise _template_damaged(repr(error)) from error
        if not isinstance(text, str) or prompt.strip() not in text:
            raise _template_damaged(f"it makes {str(text)[:200]!r} of {prompt[:200]!r}")
        return text


#: What a Qwen3 model's config.json holds, and how large it may be.
_LIMITS = {
    "num_hidden_layers": MAX_BLOCKS,
    "hidden_size": MAX_CHANNELS,
    "intermediate_size": 4 * MAX_CHANNELS,
    "num_attention_heads": MAX_CHANNELS,
    "num_key_value_heads": MAX_CHANNELS,
    "head_dim": MAX_CHANNELS,
    "vocab_size": 1 << 22,
}


def _config(folder: Path) -> Qwen3Config:
    """What its config.json says, its sizes checked before anything is made of them."""
    said = outside.read(folder / "config.json", {f"{name}?": int for name in _LIMITS})
    for name, most in _LIMITS.items():
        if said.get(name) is not None and not 1 <= said[name] <= most:
            raise outside.Malformed(f"{name} is {said[name]}")
    return _transformers().Qwen3Config.from_pretrained(folder, local_files_only=True)


_MAX_TEMPLATE = 200_000  # characters; Qwen3's has 4,000
_MAX_LOOPS = 3  # in each other


def _check_template(template: object) -> None:
    """Malformed where a chat template could run without end, or fill the memory: it is a program, if in a sandbox."""
    if template is None or template == "":
        return
    if not isinstance(template, str) or len(template) > _MAX_TEMPLATE:
        raise outside.Malformed("the chat template is no text, or too long")
    from jinja2 import Environment, TemplateError, nodes

    try:
        tree = Environment(extensions=["jinja2.ext.loopcontrols"]).parse(template)
    except (TemplateError, RecursionError) as error:
        raise outside.Malformed(f"the chat template: {error}") from error
    multiplies = next(tree.find_all((nodes.Mul, nodes.Pow)), None)
    if multiplies is not None or _loops(tree) > _MAX_LOOPS:
        raise outside.Malformed("the chat template multiplies, or has more loops in each other than any needs")


def _loops(node: Any) -> int:
    """How many loops are in each other at most."""
    from jinja2 import nodes

    inner = max((_loops(child) for child in node.iter_child_nodes()), default=0)
    return inner + isinstance(node, nodes.For)


def _template_damaged(detail: str) -> ModelError:
    return ModelError(
        "The text encoder's chat template is damaged.",
        "Download the text encoder again, with tokenizer_config.json and chat_template.jinja.",
        detail,
    )


class _LazyTensors(Mapping[str, torch.Tensor]):
    """The tensors of a folder's safetensors files, each read when asked for: not all are needed."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._shapes: dict[str, torch.Size] = {}
        index = folder / "model.safetensors.index.json"
        try:
            if index.is_file():
                self._file_of: dict[str, str] = outside.read(index, {"weight_map": {str: str}})["weight_map"]
                if foreign := [name for name in self._file_of.values() if Path(name).name != name]:
                    raise outside.Malformed(f"{foreign[0]!r} is no name of a file beside it")
            else:
                with safe_open(folder / "model.safetensors", framework="pt") as weights:
                    self._file_of = dict.fromkeys(weights.keys(), "model.safetensors")
        except (OSError, SafetensorError, ValueError, KeyError) as error:
            raise self._unreadable(error) from error

    def __getitem__(self, name: str) -> torch.Tensor:
        try:
            # Opened anew: an open file stays mapped, and what was read of it in memory.
            with safe_open(self._folder / self._file_of[name], framework="pt") as weights:
                return weights.get_tensor(name)
        except (OSError, SafetensorError) as error:
            raise self._unreadable(error) from error

    def shape(self, name: str) -> torch.Size:
        if name not in self._shapes:
            try:
                with safe_open(self._folder / self._file_of[name], framework="pt") as weights:
                    self._shapes |= {key: torch.Size(weights.get_slice(key).get_shape()) for key in weights.keys()}  # noqa: SIM118
            except (OSError, SafetensorError) as error:
                raise self._unreadable(error) from error
        if name not in self._shapes:
            raise self._unreadable(KeyError(f"{name} is not in {self._file_of[name]}"))
        return self._shapes[name]

    def __iter__(self):
        return iter(self._file_of)

    def __len__(self) -> int:
        return len(self._file_of)

    def _unreadable(self, error: Exception) -> ModelError:
        return ModelError(
            "A weights file of the text encoder is missing, damaged or truncated.",
            "Download the text encoder again.",
            f"{self._folder}: {error}",
        )


def _shapes(
    tensors: Mapping[str, torch.Tensor], needed: Sequence[str], complete: Mapping[str, torch.Tensor]
) -> dict[str, torch.Size]:
    """Shapes of the tensors that are needed or foreign; the full model's other layers and head may be absent."""
    names = [name for name in tensors if name in needed or name not in complete]
    if isinstance(tensors, _LazyTensors):
        return {name: tensors.shape(name) for name in names}
    return {name: tensors[name].shape for name in names}


@contextmanager
def _readable(folder: Path) -> Iterator[None]:
    try:
        yield
    except (EngineError, MemoryError):
        raise
    except (
        Exception
    ) as error:  # of whatever kind: transformers checks little of what it reads, tokenizers raises bare ones
        raise ModelError(
            "The text encoder's config or tokenizer cannot be read.",
            "Download the text encoder again.",
            f"{folder}: {error}",
        ) from error


def _block(config: Qwen3Config) -> tuple[int, int]:
    """Rows and columns that share a scale in the FP8 build."""
    quantised = getattr(config, "quantization_config", None) or {}
    rows, columns = quantised.get("weight_block_size") or (128, 128)
    return rows, columns


def _weight(name: str, tensor: torch.Tensor, scaled: bool) -> torch.Tensor:
    """The tensor. ModelError where its type is none that weights are computed with."""
    if not tensor.is_floating_point() or (tensor.dtype == FLOAT8) is not scaled:
        raise ModelError(
            f"The text encoder's {name} is stored as {str(tensor.dtype).removeprefix('torch.')}"
            + (" without its scales." if tensor.dtype == FLOAT8 else ", which this version cannot compute with."),
            "Use Qwen3 as published, in bfloat16 or as the FP8 build with its config.json.",
        )
    return tensor


def _unpack(model: nn.Module, dtype: torch.dtype | None) -> None:
    """Plain linear layers in place of float8 ones."""
    for name, module in list(model.named_modules()):
        if isinstance(module, BlockFloat8Linear):
            weight = dequantised(module.weight, module.weight_scale_inv, module.block, dtype or torch.bfloat16)
            with torch.device("meta"):
                linear = nn.Linear(*reversed(weight.shape), bias=False)
            linear.weight = nn.Parameter(weight, requires_grad=False)
            model.set_submodule(name, linear)


def _transformers():
    try:
        import transformers
    except ImportError as error:
        raise EnvironmentMissing(
            "The text encoder of this model needs transformers, which the engine's Python does not have.",
            "Install the engine again from Depthwright's preferences.",
            str(error),
        ) from error
    return transformers
