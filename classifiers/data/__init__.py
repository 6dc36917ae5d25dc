"""From a table, or from images, to arrays that a head is trained on."""
