"""Referrals from GP systems to social prescribing services in FHIR R4, outcomes back into the GP record."""
