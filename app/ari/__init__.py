"""Everything that speaks ARI, Asterisk's REST interface: one lasting connection and the objects we make with it."""
