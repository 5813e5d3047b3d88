"""For all tests."""

import signal

# Its pytest plugin imports it at the end of a session in which no test did, when much is collected as garbage: a
# traceback printed in the middle of that makes CPython 3.11 fail ("AST constructor recursion depth mismatch").
import hypothesis  # noqa: F401

# A shell starts what runs in its background with SIGINT ignored, and that is inherited: then the programs that tests
# start would never hear the Ctrl-C that ends them.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
