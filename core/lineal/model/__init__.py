"""The nouns: frozen structs, references and differences. No input or output."""
