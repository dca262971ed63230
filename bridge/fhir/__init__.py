"""Between the domain and FHIR R4: writing, checking, reading. The only room that imports fhir.resources."""
