"""What an image holds, by who made it: each module reads one kind of it from the image's root."""
