"""Translates Kibana's query language: a query on each line of the input, its query DSL in JSON on each of the output.

The parsing is kaquel's. It renders an unquoted value with an asterisk, `message:*FAILED*`, as a `match` for that very
text, of which the analysis then takes the asterisks away, so that whole words are found only. Kibana's own translation
(packages/kbn-es-query, functions/is.ts, and node_types/wildcard.ts for the escaping) makes a `query_string` of it.
So does this program.
"""

import json
import re
import sys

from kaquel.errors import DecodeError
from kaquel.kql import parse_kql

# What Lucene's query syntax would take for an operator, the asterisk aside.
LUCENE_OPERATORS = re.compile(r'[-+=&|><!(){}\[\]^"~?:\\/]')


def lucene(text):
    """The text as a Lucene query in which only asterisks mean something."""
    return LUCENE_OPERATORS.sub(lambda operator: "\\" + operator[0], text)


def with_wildcards(query):
    """The query with all values that have an asterisk in the form that Kibana gives them.

    A quoted value is no `match` but a `match_phrase`: there an asterisk is only a character.
    """
    if isinstance(query, list):
        return [with_wildcards(each) for each in query]
    if not isinstance(query, dict):
        return query
    if isinstance(query.get("match"), dict):
        [(field, text)] = query["match"].items()
        if "*" in text:
            return {"query_string": {"fields": [field], "query": lucene(text)}}
        return query
    anywhere = query.get("multi_match")
    if isinstance(anywhere, dict) and anywhere.get("type") != "phrase" and "*" in anywhere["query"]:
        return {"query_string": {"query": lucene(anywhere["query"])}}
    return {key: with_wildcards(value) for key, value in query.items()}


def translate(kql):
    """The query DSL of one query."""
    if "\\*" in kql:
        raise ValueError("an escaped asterisk is not told from a wildcard here")
    return with_wildcards(parse_kql(kql).render())


def main():
    for line in sys.stdin:
        kql = line.rstrip("\n")
        try:
            print(json.dumps(translate(kql)))
        except (DecodeError, ValueError) as error:
            sys.exit(f"cannot translate {kql!r}: {error}")


if __name__ == "__main__":
    main()
