"""Who is told of trouble, as the settings name them."""

from collections.abc import Iterator

from bridge.config import Settings
from bridge.partners.alerts import Mail, Teller, Webhook, webhook_address
from bridge.security.secrets import Secret
from bridge.security.tls import outbound_context


def tellers(settings: Settings) -> tuple[Teller, ...]:
    """Every way to tell people; ConfigError when an address or a password cannot be read."""
    return tuple(_tellers(settings))


def _tellers(settings: Settings) -> Iterator[Teller]:
    alerts = settings.alerts
    if alerts.webhook:
        address = Secret.parse(alerts.webhook)
        webhook_address(address)
        yield Webhook(address=address, context=outbound_context(ca=alerts.ca_bundle), proxy=alerts.proxy)
    if alerts.mail_server:
        password = Secret.parse(alerts.mail_password) if alerts.mail_password else None
        if password is not None:
            password.read()
        yield Mail(
            host=alerts.mail_server,
            port=alerts.mail_port,
            security=alerts.mail_security,
            context=outbound_context(ca=alerts.ca_bundle),
            sender=alerts.mail_from,
            to=alerts.mail_to,
            user=alerts.mail_user,
            password=password,
        )
