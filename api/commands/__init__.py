"""The commands, by what they are about. What is slow to import is imported by the command that needs it."""
