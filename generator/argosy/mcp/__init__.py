"""MCP: what agents may ask of a repository, and the server that answers them."""
