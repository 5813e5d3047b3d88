"""The store: what Callscribe remembers, in SQLite or PostgreSQL. Domain objects go in and come out."""

from app.store.errors import StoreConflict, ValueTaken
from app.store.opening import open_store
from app.store.store import Store, Transaction
from app.store.unfinished import close_unfinished

__all__ = ["Store", "StoreConflict", "Transaction", "ValueTaken", "close_unfinished", "open_store"]
