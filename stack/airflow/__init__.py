"""The Airflow of the stack: its metadata database, one run in a process, its health, its REST API."""
