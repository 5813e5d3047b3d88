"""The embedded Asterisk: installed, configured, started, watched and stopped by the app."""
