"""The public API over HTTP: who asks, what they may do, and every resource as contract.md describes it."""
