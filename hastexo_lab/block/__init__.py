"""What stands behind the XBlock: its OLX, its form in Studio, its orders, and who is asking."""
