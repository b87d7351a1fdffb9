"""Inference behind the Detector port: ai-edge-litert where it is installed, else tflite-runtime."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from edge.errors import ModelError
from edge.eye.ports import Rgb
from edge.eye.postprocess import decode_ssd, make_ssd_anchors
from edge.labels import OPEN_IMAGES
from edge.model import Detection

try:
    from ai_edge_litert.interpreter import Interpreter
except ImportError:
    from tflite_runtime.interpreter import Interpreter

_INPUT_SHAPE = (1, 300, 300, 3)


class TfliteDetector:
    """SSD MobileNet v2 trained on Open Images: people, vehicles, bicycles, animals.

    One thread: with two, both spin and a call costs five to ten times the processor time.
    """

    def __init__(self, model: Path, labels: Path) -> None:
        """Load the model; costs about 60 ms and 25 MiB.

        Raises:
            ModelError: a file is missing, damaged or another model than this code is made for.
        """
        self._classes = _load_classes(labels)
        self._anchors = make_ssd_anchors()
        self._interpreter = _load(model)
        inputs = self._interpreter.get_input_details()
        outputs = {tuple(out["shape"])[1:]: out["index"] for out in _outputs(self._interpreter)}
        count = len(self._anchors)
        if tuple(inputs[0]["shape"]) != _INPUT_SHAPE or (count, 4) not in outputs:
            raise ModelError(
                f"{model.name}: not the detector expected; run: polewatch models fetch"
            )
        self._input = inputs[0]["index"]
        self._encodings = outputs.pop((count, 4))
        self._logits = next(iter(outputs.values()))

    @property
    def input_px(self) -> int:
        """See `Detector.input_px`."""
        return _INPUT_SHAPE[1]

    def detect(self, picture: Rgb) -> list[Detection]:
        """See `Detector.detect`."""
        tensor = picture.astype(np.float32)[np.newaxis] / 127.5 - 1.0
        try:
            self._interpreter.set_tensor(self._input, tensor)
            self._interpreter.invoke()
            encodings = self._interpreter.get_tensor(self._encodings)[0]
            logits = self._interpreter.get_tensor(self._logits)[0]
        except (RuntimeError, ValueError) as exc:
            raise ModelError(f"inference failed: {exc}") from exc
        return decode_ssd(encodings, logits, self._anchors, classes=self._classes)


def _load(model: Path) -> Any:
    try:
        interpreter = Interpreter(str(model), num_threads=1)
        interpreter.allocate_tensors()
    except (RuntimeError, ValueError, OSError) as exc:
        raise ModelError(f"{model}: missing or damaged; run: polewatch models fetch") from exc
    return interpreter


def _outputs(interpreter: Any) -> list[dict[str, Any]]:
    return list(interpreter.get_output_details())


def _load_classes(labels: Path) -> dict[int, str]:
    """Map columns of the logits to our labels; line 0 of the file is the background."""
    try:
        lines = labels.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as exc:
        raise ModelError(f"{labels}: missing or damaged; run: polewatch models fetch") from exc
    return {row: OPEN_IMAGES[name] for row, name in enumerate(lines) if name in OPEN_IMAGES}
