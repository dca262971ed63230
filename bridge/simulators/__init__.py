"""Stand-ins for a GP system, a service and a record, with their bad days, to practise against."""
