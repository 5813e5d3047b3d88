"""The wire: what every resource looks like as JSON, for the API, the WebSocket and webhooks alike (contract.md)."""
