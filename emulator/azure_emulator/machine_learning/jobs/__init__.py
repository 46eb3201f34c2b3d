"""Jobs: from the body of a request to steps that run, and what is seen of them."""
