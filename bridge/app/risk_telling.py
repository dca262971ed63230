"""How the risk contacts of the schemes are reached, with the mail server of the alerts."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from bridge.config import Settings
from bridge.errors import ConfigError, Problem
from bridge.partners.alerts import Mail, Teller, Webhook, webhook_address
from bridge.pipeline.context import Context
from bridge.pipeline.risk_telling import RiskTeller
from bridge.schemes import Mode, Rulebook
from bridge.schemes.scheme import RiskContact
from bridge.security.secrets import Secret
from bridge.security.tls import outbound_context
from bridge.store import Store


@dataclass(frozen=True, slots=True)
class Ways:
    """The ways to reach a contact: a webhook, e-mail, both, or none but a telephone."""

    settings: Settings

    def __call__(self, contact: RiskContact) -> tuple[Teller, ...]:
        """Every way; ConfigError when an address cannot be read."""
        return tuple(self._ways(contact))

    def _ways(self, contact: RiskContact) -> Iterator[Teller]:
        alerts = self.settings.alerts
        context = outbound_context(ca=alerts.ca_bundle)
        if contact.webhook:
            yield Webhook(address=Secret.parse(contact.webhook), context=context, proxy=alerts.proxy)
        if contact.email and alerts.mail_server:
            yield Mail(
                host=alerts.mail_server,
                port=alerts.mail_port,
                security=alerts.mail_security,
                context=context,
                sender=alerts.mail_from,
                to=(contact.email,),
                user=alerts.mail_user,
                password=Secret.parse(alerts.mail_password) if alerts.mail_password else None,
            )


def risk_teller(settings: Settings, store: Store, context: Context, beat: Callable[[], None]) -> RiskTeller:
    """What tells of risks on this node."""
    return RiskTeller(store=store, context=context, ways=Ways(settings), beat=beat)


def refuse_silent_risks(settings: Settings, rulebook: Rulebook) -> None:
    """ConfigError for a live bridge whose risk contact no message would reach, or an unreadable webhook."""
    problems = tuple(_silent(settings, rulebook))
    if problems:
        raise ConfigError(problems=problems)


def _silent(settings: Settings, rulebook: Rulebook) -> Iterator[Problem]:
    ways = Ways(settings)
    for scheme in rulebook.schemes:
        live = settings.environment == "live" and any(p.mode is Mode.LIVE for p in scheme.practices)
        for contact in scheme.risk_contacts:
            if contact.webhook:
                webhook_address(Secret.parse(contact.webhook))
            if live and not ways(contact):
                rule = "a live scheme needs a webhook, or an e-mail address and alerts.mail_server"
                yield Problem(code="scheme-rule", at=scheme.name, target="risk_contact", rule=rule)
