"""Alembic's entry: runs the migrations within the transaction that the caller began."""

from __future__ import annotations

from alembic import context

from monitor.store.schema import metadata


def _run() -> None:
    connection = context.config.attributes["connection"]
    context.configure(connection=connection, target_metadata=metadata, transactional_ddl=True)
    context.run_migrations()


if hasattr(
    context, "config"
):  # Alembic runs this file; whoever only imports it, such as a search for doctests, does not
    _run()
