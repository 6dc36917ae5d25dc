"""Every way of the book on one set of photographs, by this project's own commands."""
