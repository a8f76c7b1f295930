"""What ``bench.relevance`` needs: made letters, simulated reading, queries, judged collections, peers."""
