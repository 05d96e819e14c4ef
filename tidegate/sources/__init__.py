"""Where signals and requests come in from outside: files, standard input, the socket."""
