"""Alembic's migrations: every step that the tables have taken."""
