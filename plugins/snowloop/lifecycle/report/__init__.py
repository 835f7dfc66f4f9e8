"""The report of a training run: a model card as one HTML file and one Markdown file."""

from snowloop.lifecycle.report.files import Report, publish_report, write_report

__all__ = ["Report", "publish_report", "write_report"]
