"""What `make bench` runs: the product beside two reference servers, under the same load."""
