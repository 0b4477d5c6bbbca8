"""A trained network of voices as one file: safetensors with the weights, and the configuration beside."""

import json
from pathlib import Path

from safetensors import SafetensorError, safe_open
from safetensors.torch import save as serialised

from allears.outputs import write_whole
from allears.speaker.ecapa import Ecapa, EcapaConfig
from allears.speaker.refusal import SpeakerError

KIND, _FORMAT = "voice network", "1"


def save(model: Ecapa, path: Path) -> None:
    """Write it whole or not at all."""
    tensors = {name: value.detach().contiguous() for name, value in model.state_dict().items()}
    about = {"kind": KIND, "format": _FORMAT, "config": json.dumps(model.config.plain())}
    write_whole(path, serialised(tensors, about))


def load(path: Path) -> Ecapa:
    """The model, ready to be used. Raises SpeakerError naming the file and what is wrong."""
    try:
        with safe_open(path, "pt") as file:
            about = file.metadata() or {}
            if about.get("kind") != KIND or about.get("format") != _FORMAT:
                held = about.get("kind", "something else")
                raise SpeakerError(
                    f"{path}: holds {held}, not a {KIND} of format {_FORMAT}; train one again"
                )
            names = file.keys()
            tensors = {name: file.get_tensor(name) for name in names}
    except (OSError, SafetensorError) as error:
        raise SpeakerError(
            f"{path}: no checkpoint ({' '.join(str(error).split())}); train one again"
        ) from None
    try:
        fields = json.loads(about["config"])
        model = Ecapa(EcapaConfig(**{**fields, "dilations": tuple(fields["dilations"])}))
        model.load_state_dict(tensors)
    except (KeyError, TypeError, ValueError, RuntimeError) as error:
        why = " ".join(str(error).split())
        raise SpeakerError(
            f"{path}: weights and configuration do not fit ({why}); train one again"
        ) from None
    return model.eval()
