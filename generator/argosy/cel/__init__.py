"""CEL: expressions of definitions and policies, evaluated as the API server does."""
