"""How customers reach the desk: e-mail, web chat, telephone, messaging services. Everything is kept as `interaction`."""
