"""Images that lie packed in files with others: listing them, once a file, and remembering it."""
