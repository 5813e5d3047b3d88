"""The journal: what happened is stored first, with its events and webhook deliveries in one transaction, then told."""
