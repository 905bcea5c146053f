"""HTTP and the command line: what is exposed."""
