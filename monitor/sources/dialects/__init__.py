"""What other products log, line by line, made into records in the native layout.

A dialect reads one JSON value, wherever it comes from: a line of a file, a message, a row of a table.
"""
