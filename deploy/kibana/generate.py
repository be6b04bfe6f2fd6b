#!/usr/bin/env python3
"""Writes the saved objects of Kibana and of OpenSearch Dashboards: data view, searches, dashboards.

    generate.py [--console URL] [--jaeger URL] [--out DIRECTORY]

Without an address there is no link to that program: none leads nowhere. The ids are fixed, so that importing the
objects again changes what is there, and links to them stay.
"""

import argparse
import json
import pathlib

DATA_VIEW = "flyte-logs"
INDEX_NAME = "kibanaSavedObjectMeta.searchSourceJSON.index"
ERRORS = "level:(ERROR or FATAL)"
CONSOLE = "flyte_console"

# id, title, KQL, columns, oldest first, what it is good for
SEARCHES = [
    ("errors-of-flyteadmin", "Errors of flyteadmin", "level:ERROR and app:flyteadmin",
     ["component", "message"], False, "What the API server of Flyte could not do"),
    ("task-failures", "Task failures", "component:propeller and message:*FAILED*",
     ["execution_id", "node_id", "message"], False, "What propeller says of nodes and tasks that failed"),
    ("slow-handlers", "Slow handlers", "app:flyteadmin and message:*latency* and level:WARN",
     ["message"], False, "Requests to flyteadmin that took long"),
    ("errors-of-datacatalog", "Errors of datacatalog", "level:ERROR and app:datacatalog",
     ["component", "message"], False, "What the cache of tasks' results could not do"),
    ("story-of-an-execution", "Story of an execution", "execution_id:*",
     ["app", "level", "node_id", "task", "pod", "message"], True,
     "Add execution_id:\"…\" to the query: what Flyte's parts and the tasks said, in reading order"),
    ("errors-by-workflow", "Errors of workflows", f"{ERRORS} and workflow:*",
     ["workflow", "execution_id", "task", "message"], False, "Errors that belong to a workflow, in tasks and in Flyte"),
    ("errors-of-tasks", "Errors of tasks", f"component:task and {ERRORS}",
     ["workflow", "task", "execution_id", "message"], False, "What users' code says when it fails"),
    ("tracebacks", "Tracebacks", 'message:"Traceback (most recent call last)"',
     ["app", "task", "execution_id", "message"], False, "Python's, one document each"),
    ("out-of-memory", "Out of memory", 'message:(OOMKilled or OutOfMemoryError or "out of memory")',
     ["app", "execution_id", "pod", "message"], False, "Who ran out of memory, and who says so"),
    ("images", "Images that cannot be pulled", "message:(ImagePullBackOff or ErrImagePull or InvalidImageName)",
     ["execution_id", "node_id", "message"], False, "Tasks that never began"),
    ("guessed-ids", "Ids that were guessed", "derived_from:*",
     ["pod", "execution_id", "message"], False, "Pods without metadata: is the API server reached?"),
    ("truncated", "Lines that were cut", "truncated:true",
     ["app", "pod", "message"], False, "Too long, or a multi-line record without an end"),
]

# id, title, kind of chart, KQL, the field to split by, how many of it
CHARTS = [
    ("errors-by-app", "Errors by app", "histogram", ERRORS, "app", 10),
    ("errors-by-component", "Errors by component", "histogram", ERRORS, "component", 10),
    ("levels", "Lines by level", "histogram", "", "level", 6),
    ("volume-by-namespace", "Lines by namespace", "area", "", "namespace", 15),
    ("volume-by-node", "Lines by node", "area", "", "host", 20),
    ("failing-workflows", "Workflows with most errors", "table", f"{ERRORS} and workflow:*", "workflow", 20),
    ("failing-executions", "Executions with most errors", "table", f"{ERRORS} and execution_id:*", "execution_id", 20),
    ("failing-tasks", "Tasks with most errors", "table", f"{ERRORS} and task:*", "task", 20),
    ("noisy-pods", "Noisy pods", "table", "", "pod", 20),
    ("noisy-apps", "Noisy apps", "table", "", "app", 20),
]

# id, title, what stands in it: charts and searches, two in a row
DASHBOARDS = [
    ("flyte-logs-errors", "Flyte: errors",
     ["errors-by-app", "errors-by-component", "failing-workflows", "failing-executions", "failing-tasks",
      "search:errors-by-workflow"]),
    ("flyte-logs-volume", "Flyte: volume of logs",
     ["volume-by-namespace", "volume-by-node", "noisy-pods", "noisy-apps", "levels", "search:truncated"]),
]

VERSIONS = {
    "kibana": lambda kind: {
        "coreMigrationVersion": "8.8.0",
        "typeMigrationVersion": {"index-pattern": "8.0.0", "search": "8.0.0", "visualization": "8.5.0",
                                 "dashboard": "8.9.0"}[kind]},
    "opensearch-dashboards": lambda kind: {
        "migrationVersion": {kind: {"index-pattern": "7.6.0", "search": "7.9.3", "visualization": "7.10.0",
                                    "dashboard": "7.9.3"}[kind]}},
}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--console", type=address, metavar="URL", help="where Flyte is, without /console")
    parser.add_argument("--jaeger", type=address, metavar="URL", help="where Jaeger's UI is")
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path(__file__).parent)
    arguments = parser.parse_args()
    for program in VERSIONS:
        lines = [json.dumps(found, ensure_ascii=False) for found in objects(program, arguments)]
        (arguments.out / f"{program}.ndjson").write_text("\n".join(lines) + "\n", encoding="utf-8")


def address(text):
    if not text.startswith(("https://", "http://")):
        raise argparse.ArgumentTypeError(f"{text!r} is no address: https://… is")
    return text.rstrip("/")


def objects(program, arguments):
    def saved(kind, identifier, attributes, references=()):
        return {"type": kind, "id": identifier, "attributes": attributes, "references": list(references),
                **VERSIONS[program](kind)}

    yield saved("index-pattern", DATA_VIEW, data_view(program, arguments))
    for identifier, title, query, columns, oldest_first, description in SEARCHES:
        order = "asc" if oldest_first else "desc"
        yield saved("search", identifier, {
            "title": title, "description": description, "columns": columns, "hits": 0, "version": 1,
            "sort": [["@timestamp", order], ["order", order]],
            "kibanaSavedObjectMeta": {"searchSourceJSON": source(query)},
        }, [{"name": INDEX_NAME, "type": "index-pattern", "id": DATA_VIEW}])
    for identifier, title, kind, query, field, count in CHARTS:
        yield saved("visualization", identifier, {
            "title": title, "description": "", "uiStateJSON": "{}", "version": 1,
            "visState": json.dumps(chart(title, kind, field, count)),
            "kibanaSavedObjectMeta": {"searchSourceJSON": source(query)},
        }, [{"name": INDEX_NAME, "type": "index-pattern", "id": DATA_VIEW}])
    for identifier, title, contents in DASHBOARDS:
        yield saved("dashboard", identifier, *dashboard(program, title, contents))


def source(query):
    return json.dumps({"query": {"query": query, "language": "kuery"}, "filter": [], "indexRefName": INDEX_NAME})


def data_view(program, arguments):
    # `..` is resolved below the base path and the space or workspace that one is in, `/app/` is not. OpenSearch
    # Dashboards rewrites this address to that of its data explorer, which does not read it as it stands.
    story = ("../app/discover#/?_g=(time:(from:now-30d,to:now))&_a=(columns:!(app,level,node_id,message),"
             f"index:{DATA_VIEW},query:(language:kuery,query:'execution_id:%22{{{{value}}}}%22'),"
             "sort:!(!('@timestamp',asc),!(order,asc)))")
    formats = {"execution_id": link(story)}
    if arguments.jaeger:
        formats["trace_id"] = link(f"{arguments.jaeger}/trace/{{{{value}}}}")
    view = {"title": "flyte-logs-*", "timeFieldName": "@timestamp", "fields": "[]"}
    if program == "kibana":
        view["name"] = "Flyte logs"
    if arguments.console:
        # Its value is a path, which has to stay as it is.
        formats[CONSOLE] = link(f"{arguments.console}/console/{{{{rawValue}}}}", "Flyte console")
        view.update(console_field(program))
    return {**view, "fieldFormatMap": json.dumps(formats)}


def link(url, label="{{value}}"):
    return {"id": "url", "params": {"type": "a", "openLinkInCurrentTab": False, "urlTemplate": url,
                                    "labelTemplate": label}}


def console_field(program):
    """A field of each document: the path of its execution in Flyte's console."""
    script = ("if (doc['project'].size() > 0 && doc['domain'].size() > 0 && doc['execution_id'].size() > 0) { "
              "%s('projects/' + doc['project'].value + '/domains/' + doc['domain'].value + '/executions/' + "
              "doc['execution_id'].value)%s }")
    if program == "kibana":
        return {"runtimeFieldMap": json.dumps({CONSOLE: {"type": "keyword",
                                                         "script": {"source": script % ("emit", ";")}}})}
    scripted = {"name": CONSOLE, "type": "string", "scripted": True, "lang": "painless",
                "script": (script % ("return ", ";")) + " return null;", "searchable": True, "aggregatable": True,
                "count": 0, "readFromDocValues": False}
    return {"fields": json.dumps([scripted])}


def chart(title, kind, field, count):
    """An aggregation-based chart: the one form that both programs take."""
    metric = {"id": "1", "enabled": True, "type": "count", "schema": "metric", "params": {}}
    terms = {"id": "3", "enabled": True, "type": "terms",
             "params": {"field": field, "orderBy": "1", "order": "desc", "size": count, "otherBucket": False,
                        "otherBucketLabel": "Other", "missingBucket": False, "missingBucketLabel": "Missing"}}
    if kind == "table":
        terms["schema"] = "bucket"
        params = {"perPage": 10, "showPartialRows": False, "showMetricsAtAllLevels": False, "showTotal": True,
                  "totalFunc": "sum", "percentageCol": ""}
        return {"title": title, "type": "table", "aggs": [metric, terms], "params": params}
    terms["schema"] = "group"
    time = {"id": "2", "enabled": True, "type": "date_histogram", "schema": "segment",
            "params": {"field": "@timestamp", "interval": "auto", "useNormalizedEsInterval": True,
                       "drop_partials": False, "min_doc_count": 1, "extended_bounds": {}}}
    params = {
        "type": kind, "addTooltip": True, "addLegend": True, "legendPosition": "right", "times": [],
        "addTimeMarker": False, "grid": {"categoryLines": False},
        "categoryAxes": [{"id": "CategoryAxis-1", "type": "category", "position": "bottom", "show": True, "style": {},
                          "scale": {"type": "linear"}, "labels": {"show": True, "filter": True, "truncate": 100},
                          "title": {}}],
        "valueAxes": [{"id": "ValueAxis-1", "name": "LeftAxis-1", "type": "value", "position": "left", "show": True,
                       "style": {}, "scale": {"type": "linear", "mode": "normal"},
                       "labels": {"show": True, "rotate": 0, "filter": False, "truncate": 100},
                       "title": {"text": "Lines"}}],
        "seriesParams": [{"show": True, "type": kind, "mode": "stacked", "data": {"label": "Lines", "id": "1"},
                          "valueAxis": "ValueAxis-1", "drawLinesBetweenPoints": True, "showCircles": True,
                          "interpolate": "linear"}],
        "thresholdLine": {"show": False, "value": 10, "width": 1, "style": "full", "color": "#E7664C"},
        "labels": {"show": False},
    }
    return {"title": title, "type": kind, "aggs": [metric, time, terms], "params": params}


def dashboard(program, title, contents):
    panels, references = [], []
    for number, content in enumerate(contents):
        kind, _, name = content.rpartition(":")
        # A search is a list of lines, which takes the whole width.
        is_search = kind == "search"
        place = {"x": 0 if is_search else number % 2 * 24, "y": number // 2 * 15, "w": 48 if is_search else 24,
                 "h": 15, "i": str(number)}
        if is_search:
            place["y"] += 15
        panel = {"version": "7.10.0", "type": kind or "visualization", "gridData": place, "panelIndex": str(number),
                 "embeddableConfig": {}, "panelRefName": f"panel_{number}"}
        panels.append(panel)
        # Kibana looks a panel's references up by the panel's number in front of their names.
        prefix = f"{number}:" if program == "kibana" else ""
        references.append({"name": f"{prefix}panel_{number}", "type": panel["type"], "id": name})
    attributes = {
        "title": title, "description": "", "hits": 0, "version": 1, "panelsJSON": json.dumps(panels),
        "optionsJSON": json.dumps({"useMargins": True, "hidePanelTitles": False}), "timeRestore": True,
        "timeFrom": "now-24h", "timeTo": "now", "refreshInterval": {"pause": True, "value": 60000},
        "kibanaSavedObjectMeta": {
            "searchSourceJSON": json.dumps({"query": {"query": "", "language": "kuery"}, "filter": []})},
    }
    return attributes, references


if __name__ == "__main__":
    main()
