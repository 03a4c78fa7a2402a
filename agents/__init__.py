"""What happens per event: async generators over batches of one partition, which know no host."""
