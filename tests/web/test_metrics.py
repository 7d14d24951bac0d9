import os
import subprocess
import sys

from prometheus_client.parser import text_string_to_metric_families

from numcnn.web import metrics
from numcnn.web.metrics import MULTIPROCESS_DIR, Metrics

# The module is run by its path, so that a process need not load the rest of numcnn.
WORKER = """
import runpy, sys
metrics = runpy.run_path(sys.argv[1])["Metrics"]()
metrics.observe_request("GET", "/", 200, 0.3)
sys.stdout.buffer.write(metrics.exposition())
"""


def samples(exposition):
    families = text_string_to_metric_families(exposition.decode())
    return {
        (sample.name, *sorted(sample.labels.values())): sample.value
        for family in families
        for sample in family.samples
    }


def test_requests_are_counted_and_timed():
    counted = Metrics()
    for seconds in (0.02, 3.0):
        counted.observe_request("POST", "/api/v1/read", 200, seconds)
    found = samples(counted.exposition())
    assert found["numcnn_requests_total", "/api/v1/read", "200", "POST"] == 2
    assert found["numcnn_request_seconds_sum", "/api/v1/read"] == 3.02
    buckets = {0.01: 0, 0.025: 1, 2.5: 1, 5.0: 2}
    for bound, count in buckets.items():
        assert found["numcnn_request_seconds_bucket", "/api/v1/read", str(bound)] == count


def test_findings_timeouts_and_pictures_in_progress_are_counted():
    counted = Metrics()
    for answer in ("7", "7", "rejected"):
        counted.count_finding(answer)
    counted.timeouts.inc()
    counted.in_progress.inc()
    counted.in_progress.inc()
    counted.in_progress.dec()
    found = samples(counted.exposition())
    assert found["numcnn_things_total", "7"] == 2
    assert found["numcnn_things_total", "rejected"] == 1
    assert found["numcnn_deadlines_total",] == 1
    assert found["numcnn_pictures_in_work",] == 1


def test_two_applications_in_a_process_count_apart():
    first, second = Metrics(), Metrics()
    first.count_finding("7")
    assert b'numcnn_things_total{answer="7"}' not in second.exposition()


def test_several_processes_are_added_up(tmp_path):
    environment = {**os.environ, MULTIPROCESS_DIR: str(tmp_path)}
    for number in (1, 2):
        words = [sys.executable, "-c", WORKER, metrics.__file__]
        output = subprocess.run(words, env=environment, capture_output=True, check=True).stdout
        assert samples(output)["numcnn_requests_total", "/", "200", "GET"] == number
