"""One file for each thing outside: the journal, files, standard input, the socket, the log."""
