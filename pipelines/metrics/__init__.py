"""What commands tell a monitor of what they did, in Prometheus's own formats."""
