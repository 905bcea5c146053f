"""Training of fused models: examples, batches, the loss of their targets alone, the loop, and extending an adapter."""
