"""Who is told of an alert, or not, and when: as a window closes, and in rounds between."""
