"""Callscribe: phone calls on a real Asterisk, flows in JSON, every call transcribed offline, split by direction."""

__version__ = "0.3.0"
