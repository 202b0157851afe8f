"""Logs and metrics.

logs             JSON log lines with request ids
metrics          the metrics of the service
shared_metrics   metrics of several processes as those of one
process_metrics  processor time, memory and open files of the service's processes
exposition       all metrics in Prometheus' text format
"""
