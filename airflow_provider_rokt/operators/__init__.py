"""The tasks that users put into DAGs. Imports at parse time only what checks their arguments."""
