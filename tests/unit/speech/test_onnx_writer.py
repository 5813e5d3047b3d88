"""Our own ONNX files, as onnxruntime reads them."""

import numpy as np
import onnxruntime
import pytest

from app.speech.onnx_writer import FLOAT, INT64, OnnxGraph


def run(graph: OnnxGraph, given: dict[str, object]) -> list[np.ndarray]:
    session = onnxruntime.InferenceSession(graph.to_bytes(), providers=["CPUExecutionProvider"])
    return list(session.run(None, given))


def test_constants_inputs_and_outputs() -> None:
    graph = OnnxGraph()
    graph.add_input("x", FLOAT, [1, "length"])
    graph.add("Add", ["x", graph.add_constant("one", np.array([1.5], np.float32))], output="y")
    graph.add_output("y", FLOAT, [1, "length"])
    (y,) = run(graph, {"x": np.array([[1, 2, 3]], np.float32)})
    assert y.tolist() == [[2.5, 3.5, 4.5]]


@pytest.mark.parametrize("keepdims", [0, 1])
def test_whole_number_attributes(keepdims: int) -> None:
    graph = OnnxGraph()
    graph.add_input("x", FLOAT, [2, 300])
    graph.add("ArgMax", ["x"], output="y", axis=-1, keepdims=keepdims)
    graph.add_output("y", INT64, [2, 1] if keepdims else [2])
    values = np.zeros((2, 300), np.float32)
    values[0, 299] = values[1, 128] = 1
    (y,) = run(graph, {"x": values})
    assert y.ravel().tolist() == [299, 128]


def test_fractions_lists_and_many_outputs() -> None:
    graph = OnnxGraph()
    graph.add_input("x", FLOAT, [2, 4])
    turned = graph.add("Transpose", [graph.add("LeakyRelu", ["x"], alpha=0.5)], perm=[1, 0])
    first, second = graph.split(turned, [1, 1])
    graph.add("Sub", [first, second], output="y")
    graph.add_output("y", FLOAT, [4, 1])
    (y,) = run(graph, {"x": np.array([[-2, 1, 1, 1], [1, 1, 1, -4]], np.float32)})
    assert y.ravel().tolist() == [-2.0, 0.0, 0.0, 3.0]


def test_scalars_stay_scalars() -> None:
    graph = OnnxGraph()
    graph.add_input("x", FLOAT, ["length"])
    graph.add("DequantizeLinear", ["q", graph.add_constant("scale", np.array(0.5, np.float32))], output="half")
    graph.add_constant("q", np.array([2, 4], np.uint8))
    graph.add("Mul", ["x", "half"], output="y")
    graph.add_output("y", FLOAT, ["length"])
    assert run(graph, {"x": np.array([1, 1], np.float32)})[0].tolist() == [1.0, 2.0]
