"""Plans: which relations a question walks from its topic, learned from questions and their answers."""
