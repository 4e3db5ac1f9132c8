"""HTTP simulators on real sockets, for our tests and anyone's. Standard library only.

The room shares no code with the engine, so that one mistake cannot hide in both.
"""

from headrace.sim.faults import Fault, page_faults
from headrace.sim.guides import Guides, GuidesSim
from headrace.sim.ledger import Entry, Ledger
from headrace.sim.rate import Rate

__all__ = ["Entry", "Fault", "Guides", "GuidesSim", "Ledger", "Rate", "page_faults"]
