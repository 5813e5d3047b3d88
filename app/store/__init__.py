"""The store: what Callscribe remembers, in SQLite or PostgreSQL. Domain objects go in and come out."""

from app.store.errors import StoreConflict
from app.store.opening import open_store
from app.store.store import Store, Transaction, Unfinished

__all__ = ["Store", "StoreConflict", "Transaction", "Unfinished", "open_store"]
