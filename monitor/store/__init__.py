"""State: what must survive a crash, in one SQLite file, and kept rows beside it in Parquet.

Functions by table group, each over a SQLAlchemy ``Connection`` that ``State.read()`` or ``State.write()`` lends: the
caller decides what is committed together. Nothing here decides; it keeps and finds.
"""
