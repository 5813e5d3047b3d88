"""Recordings: the sound of a call or a conference, on disk."""
