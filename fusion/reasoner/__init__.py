"""The graph neural reasoner: scores every entity around a question's topics, by message passing."""
