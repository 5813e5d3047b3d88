"""The numbers inside Moonshine's model files (onnxruntime's .ort form), found by the operators that use them."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from app.speech.recognizer import RecognitionFailed

Array = np.ndarray[Any, np.dtype[Any]]

_TYPES: Final = {1: np.float32, 2: np.uint8, 3: np.int8, 6: np.int32, 7: np.int64}  # onnx.proto, TensorProto.DataType
_SIGN_SHIFT: Final = 128
REACH: Final = 16
"""So many samples on both sides a sample between two others is made of."""
_WINDOW_SHAPE: Final = 8.0


@dataclass(frozen=True, slots=True)
class QuantizedMatrix:
    """A matrix in 8-bit steps: `(values - zero_point) * scale`; scale and zero point for all of it, or by column."""

    values: Array
    scale: Array
    zero_point: Array
    bias: Array | None = None


class MoonshineWeights:
    """Everything that one model file holds."""

    def __init__(self, path: Path) -> None:
        """Read `path`; RecognitionFailed when it cannot be read."""
        from onnxruntime.tools.ort_format_model.ort_flatbuffers_py.fbs.InferenceSession import InferenceSession

        self._path = path
        self._tensors: dict[str, Array] = {}
        self._inputs: dict[str, list[str]] = {}
        try:
            self._walk(InferenceSession.GetRootAs(path.read_bytes(), 0).Model().Graph())
        except (OSError, AttributeError, ValueError, TypeError) as error:
            raise RecognitionFailed(f"Moonshine's model {path} cannot be read: {error}") from error

    def tensor(self, name: str) -> Array:
        """Return the tensor of this name; RecognitionFailed when there is none."""
        try:
            return self._tensors[name]
        except KeyError:
            raise self._fault(name) from None

    def has(self, name: str) -> bool:
        """Whether there is a tensor of this name."""
        return name in self._tensors

    def matrix(self, name: str) -> QuantizedMatrix:
        """Return what the multiplication `name` multiplies with; signed, whatever the file has.

        Signed weights and unsigned sound are what the processors' 8-bit instructions multiply: 0.8 of the time.
        """
        try:
            tensors = [each for each in self._inputs[f"{name}/MatMul_quant"] if each in self._tensors]
        except KeyError:
            raise self._fault(name) from None
        by_kind = {kind: self._tensors[each] for each in tensors for kind in _KINDS if each.endswith(kind)}
        values, zero_point = by_kind["_quantized"], by_kind["_zero_point"]
        if values.dtype == np.uint8:
            values = (values.astype(np.int16) - _SIGN_SHIFT).astype(np.int8)
            zero_point = (zero_point.astype(np.int16) - _SIGN_SHIFT).astype(np.int8)
        bias = next((self._tensors[each] for each in tensors if "bias" in each), None)
        return QuantizedMatrix(values, by_kind["_scale"].reshape(()), zero_point.reshape(()), bias)

    def _walk(self, graph: Any) -> None:
        """Note the tensors and operators of a graph and of those within it; a name that comes twice means the same."""
        for index in range(graph.InitializersLength()):
            tensor = graph.Initializers(index)
            if tensor.DataType() in _TYPES and tensor.RawDataLength():
                shape = [tensor.Dims(axis) for axis in range(tensor.DimsLength())]
                values = tensor.RawDataAsNumpy().view(_TYPES[tensor.DataType()])
                self._tensors[tensor.Name().decode()] = values.reshape(shape)
        for index in range(graph.NodesLength()):
            node = graph.Nodes(index)
            self._inputs[node.Name().decode()] = [node.Inputs(each).decode() for each in range(node.InputsLength())]
            for each in range(node.AttributesLength()):
                inner = node.Attributes(each).G()
                if inner is not None:
                    self._walk(inner)

    def _fault(self, name: str) -> RecognitionFailed:
        return RecognitionFailed(
            f"Moonshine's model {self._path} has no {name}; expected the tiny model of moonshine-voice 0.1.0"
        )


_KINDS: Final = ("_quantized", "_scale", "_zero_point")


def join(matrices: "list[QuantizedMatrix]") -> QuantizedMatrix:
    """Return one matrix with the columns of all, so that one multiplication does for all; without biases."""
    widths = [matrix.values.shape[1] for matrix in matrices]
    return QuantizedMatrix(
        np.concatenate([matrix.values for matrix in matrices], axis=1),
        np.repeat(np.array([matrix.scale for matrix in matrices], np.float32), widths),
        np.repeat(np.array([matrix.zero_point for matrix in matrices], np.int8), widths),
    )


def halve_rate(kernel: Array) -> Array:
    """Return the convolution that does to 8 kHz what `kernel` (out, 1, length) does to the same sound at 16 kHz.

    Doubling the rate is a convolution too, and two in a row are one. Between two samples the sound is taken from
    `REACH` samples on both sides (sinc, Kaiser window), which makes fewer errors than the mean of the two.
    """
    distances = np.arange(-2 * REACH, 2 * REACH + 1)
    doubling = np.sinc(distances / 2) * np.kaiser(len(distances), _WINDOW_SHAPE)
    length = kernel.shape[2]
    count = (length + 1) // 2 + 2 * REACH
    halved = np.zeros((kernel.shape[0], 1, count))
    for at in range(count):
        # Sample `at - REACH` at 8 kHz is number 2 * (at - REACH) at 16 kHz; its reach is that of `doubling`.
        centre = 2 * (at - REACH)
        for index in range(max(0, centre - 2 * REACH), min(length, centre + 2 * REACH + 1)):
            halved[:, :, at] += kernel[:, :, index] * doubling[index - centre + 2 * REACH]
    return halved.astype(np.float32)
