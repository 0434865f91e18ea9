"""What a row of the bench is."""
from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

Sample = Mapping[str, float]
Samples = dict[str, dict[str, list[float]]]  # contestant, metric, values


def collect(samples: Samples, who: str, found: Sample) -> None:
    """Adds one."""
    for metric, value in found.items():
        samples.setdefault(who, {}).setdefault(metric, []).append(value)


def in_turns(names: Sequence[str], runs: int, once: Callable[[str], Sample]) -> Samples:
    """Each measures once a run; each run begins with another one."""
    samples: Samples = {}
    for run in range(runs):
        for i in range(len(names)):
            who = names[(run + i) % len(names)]
            collect(samples, who, once(who))
    return samples


@dataclass(frozen=True)
class Row:
    """metrics: name, unit, and whether more is better; contestants: what each needs that may not be installed."""

    name: str
    title: str
    metrics: Mapping[str, tuple[str, bool]]
    contestants: Mapping[str, str]  # and why it is missing, asked by missing()
    measure: Callable[[Sequence[str], int], Samples]
    note: str
    budget: str = ""
    why_missing: Callable[[str], str] = field(default=lambda name: "")
    references: tuple[str, ...] = ()  # no peers: what cannot be done without

    def missing(self) -> dict[str, str]:
        """Who cannot be measured here, and why."""
        return {name: why for name in self.contestants if (why := self.why_missing(name))}
