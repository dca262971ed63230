"""What the page is given: the store, the rules, how everything is, and who may come near."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from bridge.ops.vitals import Vitals
from bridge.pipeline.context import Context
from bridge.pipeline.later import Translator
from bridge.security.rates import Rates
from bridge.store import Store, audit
from bridge.store.accounts import Terms
from bridge.store.audit import Hand


def _by_name() -> Rates:
    return Rates(per_second=1 / 30, burst=10)


def _by_peer() -> Rates:
    return Rates(per_second=1 / 3, burst=60)


@dataclass(frozen=True, slots=True, kw_only=True)
class Office:
    """Where people work on one node.

    `near` says whether a peer is this machine or a proxy that ends TLS. `names` and `peers` count sign-ins:
    of one account ten at once and two a minute, from one address sixty at once and twenty a minute.
    """

    store: Store
    context: Context
    translator: Translator
    vitals: Vitals
    chain: audit.Chain
    node: str
    wake: Callable[[], None]
    near: Callable[[str], bool]
    terms: Terms
    names: Rates = field(default_factory=_by_name)
    peers: Rates = field(default_factory=_by_peer)

    def hand(self, account: str, why: str) -> Hand:
        """Somebody of the page who acts, for the audit; accounts are told from users of the machine."""
        return Hand(actor=f"page:{account}", why=why, node=self.node, chain=self.chain)

    def practices(self) -> Mapping[str, str]:
        """Every practice of the schemes by ODS code, with its name."""
        rules = (rule for scheme in self.context.rulebook.schemes for rule in scheme.practices)
        return {rule.ods: rule.name for rule in rules}

    def partners(self) -> Mapping[str, str]:
        """Every partner of the schemes, as people call it."""
        return self.context.rulebook.titles()
