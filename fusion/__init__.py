"""Question to answer with its thread: what is concluded. Importing it loads no model."""
