"""Says how much of Azure ML is here, by asking the SDK itself. Needs azure-ai-ml."""
