"""Pipelines for GitHub, GitLab and Jenkins that pull, test, check and promote the model of a repository."""
