"""What comes by HTTP, on the disk before it is answered, and read from there as one log with positions."""
