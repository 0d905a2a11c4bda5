"""E-mail: mailboxes polled, mail received, answers sent."""
