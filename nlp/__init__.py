"""Text to claims: what is read. Importing it loads no model."""
