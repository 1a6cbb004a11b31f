"""Where workloads come from: each file reads one trace, or makes one up."""
