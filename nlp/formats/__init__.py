"""One module a family of file formats: a stream in, pieces of text out."""
