"""The graph as it is learned: vectors that score facts. Importing this package loads no torch; its modules do."""
