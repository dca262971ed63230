"""What the bridge talks about: referrals, outcomes, deliveries, their states, identifiers, codes. No I/O."""
