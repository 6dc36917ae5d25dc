"""Every way of the literature on one set of photographs, by this project's own commands."""
