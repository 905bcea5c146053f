"""The graph as it is learned: vectors that score facts. Importing this package loads no torch; its modules do.

It is imported before torch is, so here torch's threads are told to wait for one another in a loop for a
short while only, and then to sleep. By default they go on looping, and where another program holds a core, a training
with two threads all but stands still; where they sleep at once, a training on a quiet machine takes twice as long.
"""

import os

if not os.environ.keys() & {"OMP_WAIT_POLICY", "GOMP_SPINCOUNT"}:
    os.environ["GOMP_SPINCOUNT"] = "1000"
