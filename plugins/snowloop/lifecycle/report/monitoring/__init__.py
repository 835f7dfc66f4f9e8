"""The page of monitoring: drift, scores, performance, volume and latency over time, and open alerts."""

from snowloop.lifecycle.report.monitoring.collect import collect_history
from snowloop.lifecycle.report.monitoring.history import MonitoringHistory
from snowloop.lifecycle.report.monitoring.page import monitoring_html, publish_page, write_page

__all__ = ["MonitoringHistory", "collect_history", "monitoring_html", "publish_page", "write_page"]
