"""The agents: sessions, identity and journeys, on Faust. Wiring and order of effects; rules live in pipeline.domain."""
