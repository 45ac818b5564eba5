"""Pixels and links for mails: signed, so that nobody but the sender says where a link leads and who followed it."""
