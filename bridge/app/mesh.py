"""The MESH mailbox of a record route, by the scheme's terms and the site's credentials."""

from datetime import timedelta
from typing import TYPE_CHECKING

from bridge.config import PartnerSettings
from bridge.errors import ConfigError
from bridge.fhir.itk3 import Coded, Sender
from bridge.schemes.routes import MeshTerms, RecordRoute
from bridge.security.secrets import Secret

if TYPE_CHECKING:
    from bridge.partners.mesh import MeshMailbox, Terms, Trace


def open_mailbox(
    route: RecordRoute, mesh: MeshTerms, terms: PartnerSettings, *, trace: "Trace | None" = None
) -> "MeshMailbox":
    """The mailbox; nothing is asked of MESH yet. ConfigError for a credential that is not there."""
    try:
        from mesh_client import MeshClient  # noqa: PLC0415 - a site without MESH need not have it

        from bridge.partners import mesh as partner  # noqa: PLC0415
    except ModuleNotFoundError:
        raise ConfigError("MESH needs the extra [letters]: pip install 'referral-bridge[letters]'") from None
    if not (terms.mailbox_password and terms.shared_key):
        raise ConfigError(
            f"the record route {route.name} needs partners.{route.name}.mailbox_password and shared_key"
        )
    password, key = Secret.parse(terms.mailbox_password), Secret.parse(terms.shared_key)
    password.text(), key.read()  # now rather than with the first letter

    def connect() -> MeshClient:
        return MeshClient(
            route.endpoint,
            mesh.mailbox,
            password.text(),
            shared_key=key.read(),
            cert=_certificate(terms),
            verify=str(terms.ca_bundle) if terms.ca_bundle else None,
            proxies={"https": terms.proxy, "http": terms.proxy} if terms.proxy else None,
            max_retries=0,
            timeout=terms.deadline_s,
            application_name="referral-bridge",
        )

    return partner.MeshMailbox(
        route.name, connect, _terms(mesh, terms), deadline=timedelta(seconds=terms.deadline_s), trace=trace
    )


def _terms(mesh: MeshTerms, terms: PartnerSettings) -> "Terms":
    from bridge.partners.mesh import Terms  # noqa: PLC0415 - loads mesh-client

    setting = Coded(code=mesh.care_setting, display=mesh.care_setting_display) if mesh.care_setting else None
    sender = Sender(
        mailbox=mesh.mailbox,
        organisation=mesh.organisation,
        name=mesh.organisation_name,
        telephone=mesh.telephone,
        document_type=Coded(code=mesh.document_type, display=mesh.document_type_display),
        care_setting=setting,
    )
    return Terms(
        sender=sender,
        workflow=mesh.workflow,
        birth_date_form=mesh.birth_date_form,
        answer_within=timedelta(hours=mesh.infrastructure_hours),
        look_by_local_id=terms.look_by_local_id,
    )


def _certificate(terms: PartnerSettings) -> tuple[str, str] | tuple[str, str, str] | None:
    if terms.certificate is None or terms.certificate_key is None:
        return None
    pair = (str(terms.certificate), str(terms.certificate_key))
    if not terms.certificate_passphrase:
        return pair
    return (*pair, Secret.parse(terms.certificate_passphrase).text())
