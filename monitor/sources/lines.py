"""From a block of whole lines to records, by their format; what is too long or cut off is refused by its own name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from monitor.record import Decoded, Layout, Reason, Rejected
from monitor.sources.formats import csv, jsonl
from monitor.sources.formats.block import Lines
from monitor.sources.reader import Block

_TORN = frozenset({Reason.JSON_SYNTAX, Reason.NOT_OBJECT, Reason.RAGGED, Reason.ENCODING})


def decode_lines(block: Block, lines: Lines, layout: Layout, longest: int, names: Sequence[str] | None) -> Decoded:
    """Decode the lines of a block.

    Parameters
    ----------
    lines: those of the block. longest: of a line, in bytes; a longer one is refused.
    names: of the columns of CSV; ``None`` of JSON lines.
    """
    long = lines.ends - lines.starts > longest
    kept = lines.pick(~long) if long.any() else lines
    decoded = jsonl.decode(kept, layout) if names is None else csv.decode(kept, layout, names)
    places = [*block.too_long, *(block.start + int(begin) for begin in lines.starts[long])]
    too_long = [Rejected(Reason.TOO_LONG, lines.file, place, "longer than max_line") for place in places]
    rejected = [_torn(fault, lines) for fault in decoded.rejected]
    return replace(decoded, rejected=tuple(sorted([*rejected, *too_long], key=lambda fault: fault.offset)))


def _torn(fault: Rejected, lines: Lines) -> Rejected:
    """Call a last line without its newline torn, rather than whatever it looks like."""
    torn = not lines.data.endswith(b"\n") and fault.offset == lines.offset + lines.starts[-1]
    return replace(fault, reason=Reason.TORN) if torn and fault.reason in _TORN else fault
