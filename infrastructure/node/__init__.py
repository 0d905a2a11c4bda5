"""The local Elasticsearch node: built by Maven (`build`), started, watched and stopped (`lifecycle`)."""

from infrastructure.node.lifecycle import LocalNode, NodeStatus

__all__ = ["LocalNode", "NodeStatus"]
