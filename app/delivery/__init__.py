"""Delivery: how events reach those who want them."""
