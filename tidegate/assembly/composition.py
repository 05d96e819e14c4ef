"""What a program composes into the pipeline of its settings."""

from __future__ import annotations

from msgspec import Struct

from operators import Rules
from streams.own_executions import Executions
from streams.published import Published

__all__ = ["AS_CONFIGURED", "Composition"]


class Composition(Struct, frozen=True):
    """Entry rules made of the default ones, execution cycles made of the default ones, and the streams to publish to.

    None leaves the default as it is.
    """

    rules: Rules | None = None
    executions: Executions | None = None
    published: Published | None = None


AS_CONFIGURED = Composition()
"""Nothing of one's own."""
