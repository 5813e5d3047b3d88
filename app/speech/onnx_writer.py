"""Just enough of ONNX's file form (onnx.proto, protobuf's wire format) to hand a graph of our own to onnxruntime."""

import struct
from collections.abc import Sequence
from typing import Any, Final

import numpy as np

MICROSOFT: Final = "com.microsoft"
"""onnxruntime's own operators (its docs/ContribOperators.md)."""

FLOAT: Final = 1
INT64: Final = 7
_ELEMENT_TYPES: Final = {"float32": FLOAT, "uint8": 2, "int8": 3, "int32": 6, "int64": INT64}
_IR_VERSION: Final = 8
_OPSET: Final = 17

Array = np.ndarray[Any, np.dtype[Any]]
Attribute = int | float | Sequence[int]
Shape = Sequence[int | str]
"""Lengths of a tensor's axes; a name = only known when the graph runs."""


class OnnxGraph:
    """A graph under construction. Values are named; `add` names what it makes where nobody does."""

    def __init__(self) -> None:
        self._nodes: list[bytes] = []
        self._constants: list[bytes] = []
        self._inputs: list[bytes] = []
        self._outputs: list[bytes] = []
        self._made = 0

    def add_input(self, name: str, element_type: int, shape: Shape) -> str:
        """Declare what is given at every run; its name."""
        self._inputs.append(_value_info(name, element_type, shape))
        return name

    def add_output(self, name: str, element_type: int, shape: Shape) -> None:
        """Declare what comes out of every run: a value that an operator makes under this name."""
        self._outputs.append(_value_info(name, element_type, shape))

    def add_constant(self, name: str, value: Array) -> str:
        """Put a tensor into the graph; its name."""
        array = np.ascontiguousarray(value).reshape(value.shape)
        dimensions = b"".join(_number(1, length) for length in array.shape)
        element_type = _number(2, _ELEMENT_TYPES[array.dtype.name])
        self._constants.append(dimensions + element_type + _bytes(8, name.encode()) + _bytes(9, array.tobytes()))
        return name

    def add(
        self, operator: str, inputs: Sequence[str], *, domain: str = "", output: str = "", **attributes: Attribute
    ) -> str:
        """Put in an operator with one output; the name of that."""
        return self.add_many(operator, inputs, (output or self._next_name(),), domain=domain, **attributes)[0]

    def add_many(
        self, operator: str, inputs: Sequence[str], outputs: Sequence[str], *, domain: str = "", **attributes: Attribute
    ) -> Sequence[str]:
        """Put in an operator; its outputs' names, where an empty one is an output that nobody wants."""
        parts = [_bytes(1, name.encode()) for name in inputs]
        parts += [_bytes(2, name.encode()) for name in outputs]
        parts += [_bytes(3, f"{operator} {outputs[0]}".encode()), _bytes(4, operator.encode())]
        parts += [_bytes(5, _attribute(name, value)) for name, value in attributes.items()]
        parts += [_bytes(7, domain.encode())] if domain else []
        self._nodes.append(b"".join(parts))
        return outputs

    def split(self, value: str, lengths: Sequence[int]) -> Sequence[str]:
        """Cut `value` along its last axis."""
        outputs = [self._next_name() for _ in lengths]
        sizes = self.add_constant(self._next_name(), np.array(lengths, np.int64))
        return self.add_many("Split", [value, sizes], outputs, axis=-1)

    def to_bytes(self) -> bytes:
        """Return the model file."""
        graph = [_bytes(1, node) for node in self._nodes]
        graph.append(_bytes(2, b"graph"))
        for number, parts in ((5, self._constants), (11, self._inputs), (12, self._outputs)):
            graph += [_bytes(number, part) for part in parts]
        sets = [_bytes(8, _bytes(1, name.encode()) + _number(2, version)) for name, version in _OPERATOR_SETS]
        return b"".join([_number(1, _IR_VERSION), *sets, _bytes(7, b"".join(graph))])

    def _next_name(self) -> str:
        self._made += 1
        return f"value{self._made}"


_OPERATOR_SETS: Final = (("", _OPSET), (MICROSOFT, 1))


def _varint(value: int) -> bytes:
    value &= (1 << 64) - 1
    encoded = bytearray()
    while value > 0x7F:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    encoded.append(value)
    return bytes(encoded)


def _number(field: int, value: int) -> bytes:
    return _varint(field << 3) + _varint(value)


def _bytes(field: int, value: bytes) -> bytes:
    return _varint(field << 3 | 2) + _varint(len(value)) + value


def _attribute(name: str, value: Attribute) -> bytes:
    head = _bytes(1, name.encode())
    match value:
        case float():
            return head + _varint(2 << 3 | 5) + struct.pack("<f", value) + _number(20, 1)
        case int():
            return head + _number(3, value) + _number(20, 2)
        case _:
            return head + b"".join(_number(8, each) for each in value) + _number(20, 7)


def _value_info(name: str, element_type: int, shape: Shape) -> bytes:
    lengths = (_number(1, each) if isinstance(each, int) else _bytes(2, each.encode()) for each in shape)
    tensor = _number(1, element_type) + _bytes(2, b"".join(_bytes(1, length) for length in lengths))
    return _bytes(1, name.encode()) + _bytes(2, _bytes(1, tensor))
