"""The composition root: opens every long-lived thing in order, wires them together, closes in reverse."""
