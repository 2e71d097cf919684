"""Delivery: a change or a promotion goes to the work tree, to a commit, or to branches of its own and pull requests."""

from argosy.delivery.delivery import Delivery

__all__ = ["Delivery"]
