"""Questions over the facts (a JSON object in, numbers and definitions out), saved goals and funnels, customers."""

from api.query.routes import router

__all__ = ["router"]
