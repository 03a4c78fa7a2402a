"""What is answered, a module a noun. A handler translates: it reads the call, asks a port, and shapes the answer."""
