"""Administration under /api/v1/admin: projects and keys, progress, proof, replay, backup and health of an installation.

An admin key administers its project; what is about the whole installation needs the local token of its machine.
"""

from api.admin.routes import router

__all__ = ["router"]
