"""A trained transducer as one file: safetensors with the weights, the symbols, and the configuration beside."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save as serialised

from allears.asr.model import Transducer, TransducerConfig
from allears.asr.recogniser import RecogniserError
from allears.asr.tokens import Tokens, restored
from allears.outputs import write_whole

M = TypeVar("M", bound=Transducer)

KIND, _FORMAT = "transducer", "1"


def save(model: Transducer, tokens: Tokens, path: Path, kind: str = KIND) -> None:
    """Write it whole or not at all; `kind` says what it is a checkpoint of."""
    tensors = {name: value.detach().contiguous() for name, value in model.state_dict().items()}
    tensors |= {name: torch.from_numpy(each.copy()) for name, each in tokens.arrays().items()}
    about = {"kind": kind, "format": _FORMAT, "config": json.dumps(model.config.plain())}
    write_whole(path, serialised(tensors, about))


def kind_of(path: Path) -> str:
    """What a file says it is a checkpoint of; nothing, where it says nothing or is none."""
    try:
        with safe_open(path, "pt") as file:
            return str((file.metadata() or {}).get("kind", ""))
    except (OSError, SafetensorError):
        return ""


def load(path: Path) -> tuple[Transducer, Tokens]:
    """The model, ready to be used, and its symbols. Raises RecogniserError naming the file and what is wrong."""
    return read(path, KIND, Transducer, "allears train asr")


def read(
    path: Path, kind: str, make: Callable[[TransducerConfig], M], command: str
) -> tuple[M, Tokens]:
    """The same of another kind, which `make` makes of its configuration, and `command` trains."""
    try:
        with safe_open(path, "pt") as file:
            about = file.metadata() or {}
            if about.get("kind") != kind or about.get("format") != _FORMAT:
                raise RecogniserError(
                    f"{path}: holds {about.get('kind', 'something else')}, not a {kind} of format "
                    f"{_FORMAT}; train one with {command}"
                )
            names = file.keys()
            tensors = {name: file.get_tensor(name) for name in names}
    except (OSError, SafetensorError) as error:
        raise RecogniserError(f"{path}: no checkpoint ({' '.join(str(error).split())})") from None
    symbols = {n: tensors.pop(n).numpy() for n in list(tensors) if n.startswith("tokens.")}
    try:
        model = make(TransducerConfig(**json.loads(about["config"])))
        model.load_state_dict(tensors)
    except (KeyError, TypeError, ValueError, RuntimeError) as error:
        why = " ".join(str(error).split())
        raise RecogniserError(f"{path}: weights and configuration do not fit ({why})") from None
    return model.eval(), restored(symbols)
