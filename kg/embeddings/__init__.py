"""The graph as it is learned: vectors that score facts. Importing this package loads no torch; its modules do.

It is imported before torch is, so here torch's threads are told to sleep while they wait for one another. By default
they spin, and where another program holds a core, a training with two threads all but stands still.
"""

import os

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
