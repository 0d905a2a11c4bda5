"""What customers and other systems reach by HTTP: chat, webhooks, survey. An application of its own, or mounted in another."""
