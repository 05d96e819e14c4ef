"""The two ways verdicts go at the end."""

from __future__ import annotations

from reactivex import operators as rx

from operators.screen import Stage

__all__ = ["only_accepted", "only_refused"]


def only_accepted() -> Stage:
    """Let only the verdicts pass that nothing refused.

        -a--W--b-|          W is refused
        -a-----b-|

    Emits when:      upstream emits a verdict without refusal.
    Completes when:  upstream completes.
    Errors when:     upstream errors.
    Memory:          none.
    """
    return rx.filter(lambda verdict: verdict.refusal is None)


def only_refused() -> Stage:
    """Let only the verdicts pass that were refused.

        -a--W--b-|          W is refused
        ----W----|

    Emits when:      upstream emits a verdict with a refusal.
    Completes when:  upstream completes.
    Errors when:     upstream errors.
    Memory:          none.
    """
    return rx.filter(lambda verdict: verdict.refusal is not None)
