"""Files out: cases and forms of a domain, in constant memory."""
