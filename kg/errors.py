"""The errors of the graph.

GraphError
├── StoreError                    the graph's server or files
│   ├── ChangingError             others kept writing to the graph while all of it was read
│   ├── NoGraphError              all of it was deleted, while Clew was using it
│   ├── StoreUnavailableError     nothing answers at the address, or it stopped answering
│   ├── StoreAccessError          wrong user or password, or files that may not be read
│   ├── StoreFullError            no room on the disk, or no memory left
│   └── StoreAddressError         the address itself cannot be understood
├── InputError                    something that was given to read is not what it should be
└── UnknownDocumentError          asked for a document that the graph does not hold

Each message is one line for a person: what happened, where, and what to do.
"""


class GraphError(Exception):
    """Anything that went wrong with the graph."""


class StoreError(GraphError):
    """The graph's server or files failed."""


class ChangingError(StoreError):
    """Others kept writing to the graph while all of it was read."""


class NoGraphError(StoreError):
    """The database is there and the graph is not: all of it was deleted."""

    @classmethod
    def whenever_begun(cls, address: str) -> "NoGraphError":
        """It was deleted again each time that Clew began it."""
        return cls(f"{address}: the graph is deleted whenever it is begun; stop that, and try again")


class StoreUnavailableError(StoreError):
    """Nothing answers at the store's address."""


class StoreAccessError(StoreError):
    """The store refused the user, the password, or access to its files."""


class StoreFullError(StoreError):
    """The store has no room left."""


class StoreAddressError(StoreError):
    """The store's address is not one that Clew understands."""


class InputError(GraphError):
    """A file or a line of it could not be read as what it was said to be."""


class UnknownDocumentError(GraphError):
    """The graph holds no such document."""
