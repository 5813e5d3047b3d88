"""For all tests."""

# Its pytest plugin imports it at the end of a session in which no test did, when much is collected as garbage: a
# traceback printed in the middle of that makes CPython 3.11 fail ("AST constructor recursion depth mismatch").
import hypothesis  # noqa: F401
