"""Object stores: which there are, how they are reached, and reading and listing their objects.

The only place that knows schemes, endpoints and credentials. Importing it loads no store's client.
"""
