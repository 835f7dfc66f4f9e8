"""What runs in the processes that execute handlers: they share nothing with the server but a socket."""
