"""What is deployed where: versions, what promotion would still move, and what a cluster says of it."""
