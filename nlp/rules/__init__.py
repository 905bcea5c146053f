"""Rules that read claims out of parsed sentences, one module a language or a kind of statement."""
