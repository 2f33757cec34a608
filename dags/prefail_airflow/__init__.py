"""What the DAG files share: which day is meant, retries and deadlines, the assets between DAGs."""
