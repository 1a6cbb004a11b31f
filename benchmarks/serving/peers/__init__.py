"""What others would serve the graph with: one file a server, each the short program of its own manual.

They run in environments that lack Pileus and may lack each other's packages, so they import only the runtime
and their own server. The graph is `$BENCHMARK_GRAPH`.
"""
