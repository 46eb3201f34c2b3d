"""What travels over HTTP: every request and answer as a type, and the document made of them."""
