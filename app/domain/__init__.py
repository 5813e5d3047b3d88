"""The words of Callscribe as pure data: the standard library only, no I/O, nothing that runs."""
