"""Durable sending that knows no partner: lanes, the retry table, the breaker, the worker."""
